/** What /proc shows of a machine's processes: the texts that the file layer's tree serves. */
package faultline.emulator.proc;
