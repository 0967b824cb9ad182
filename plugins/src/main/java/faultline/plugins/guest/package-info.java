/** What probes ask about the guest: whose thread this is, what it is doing, what lies at an address. */
package faultline.plugins.guest;
