/**
 * The Unicorn engine over {@code java.lang.foreign}: one method a C function, nothing else.
 *
 * <p>{@link faultline.emulator.unicorn.UnicornLibrary} finds and checks the shared library,
 * {@link faultline.emulator.unicorn.UnicornApi} holds the functions, {@link faultline.emulator.unicorn.Unicorn} is one
 * engine with its hooks. Rules that hold everywhere here:
 *
 * <ul>
 *   <li>Addresses of native memory are {@code long}s: on every platform we run on a pointer and a 64-bit integer are
 *       passed alike, and no wrapper object is made on the hot path.
 *   <li>No exception leaves a callback: the JVM would end. It is kept, the CPU is stopped, and
 *       {@link faultline.emulator.unicorn.Unicorn#start} throws it.
 *   <li>Functions that can call back into Java (start, close, removal of translated code) are ordinary calls; the
 *       short ones are linked as critical, which makes them about 60 ns cheaper.
 *   <li>An engine may be used by one thread at a time, except {@link faultline.emulator.unicorn.Unicorn#stop}.
 * </ul>
 */
package faultline.emulator.unicorn;
