/** Names and source lines for guest instruction addresses, from the files of the program and its libraries. */
package faultline.plugins.symbol;
