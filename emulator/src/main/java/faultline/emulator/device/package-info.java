/** Devices that only this machine has. */
package faultline.emulator.device;
