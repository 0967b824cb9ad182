/** What is said of words that were not understood: where they stand, and what may have been meant. */
package faultline.plugins.words;
