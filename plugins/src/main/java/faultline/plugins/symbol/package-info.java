/** Names for guest instruction addresses, from the symbol tables of the program and its libraries. */
package faultline.plugins.symbol;
