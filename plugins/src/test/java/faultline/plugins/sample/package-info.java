/** Classes that tests weave: small, and with every shape of method that the weaver has to cope with. */
package faultline.plugins.sample;
