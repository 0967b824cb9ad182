/** The commands that this module adds to {@code faultline}: probe, trace, inject, report. */
package faultline.plugins.cli;
