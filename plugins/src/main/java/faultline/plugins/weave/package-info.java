/**
 * Probes woven into the bytecode of the memory manager and the emulator while their classes load.
 *
 * <h2>Why a class loader and not an agent</h2>
 *
 * A command that needs probes starts the program a second time inside a {@link
 * faultline.plugins.weave.WeavingClassLoader}, which defines its own, woven copies of {@code faultline.*}. An agent
 * named in the launcher's manifest would do the same job, but:
 *
 * <ul>
 *   <li>a normal {@code run} would load {@code java.instrument}, and lose the archived classes that make it start
 *       fast; with the loader it executes the very bytes that javac wrote;
 *   <li>woven and plain copies of a class live side by side in one virtual machine, so that tests and benchmarks
 *       compare them, and two experiments with different probes do not see each other;
 *   <li>no order of loading has to be kept: a class is woven whenever it is first asked for.
 * </ul>
 *
 * The price: command-line classes that ran before the change of world are loaded twice, and nothing of the new world is
 * in Java's start-up cache. For the sites that tracing uses by default the launcher therefore has the same weaver write
 * a jar once after each build ({@link faultline.plugins.weave.WovenJar}), which precedes the plain ones on the class
 * path of
 * {@code trace}; everything else comes through the loader.
 *
 * <h2>What a site costs</h2>
 *
 * <pre>
 *   method(args) {
 *       if (invokedynamic attached())            ── the constant false until someone attaches
 *           return method$probed(args)
 *       … body
 *   }
 *
 *   private synthetic method$probed(args) {
 *       invokedynamic entry(this, args)
 *       try {
 *           [ invokedynamic inject(this, args) → long; not NONE: return it ]     only on {@code @Injectable} methods
 *           … the body again; at each return:  invokedynamic exit(result, this)
 *       } catch (Throwable t) { invokedynamic thrown(t); throw t; }
 *   }
 * </pre>
 *
 * All of them are {@link java.lang.invoke.MutableCallSite}s whose target the compiler treats as a constant: a detached
 * site is compiled to nothing, attaching replaces the target and deoptimises what had been compiled without it, at
 * any time and from any thread, as a static key of the kernel does. What cannot be compiled away is bytecode itself:
 * the compiler stops inlining at so many bytes of a method and of all methods inlined into one, so that hooks within
 * the body, for which nobody listens, made the fault path 7 % slower. Hence the copy: a detached method has grown by
 * its guard alone. A call that runs when someone attaches goes on in the body and tells nothing; every entry told of
 * has its exit, unless the listener leaves meanwhile.
 *
 * <p>Stack-map frames are carried over and the few that are added are written by hand, so that weaving loads no class
 * and computes no common super type.
 *
 * <h2>Names</h2>
 *
 * Sites are the methods that carry {@code @KernelFunction} (or belong to a class that does and are its entry: named
 * {@code run}, or like the kernel function in Java's spelling) or {@code @Injectable}. They are selected by the
 * kernel's name with {@code *}, {@code ?} and {@code [a-z]}.
 *
 * <h2>Locks</h2>
 *
 * {@code SiteRegistry.lock} guards the lists of sites and attachments and every change of a call site's target. No
 * handler is ever called with it held, and nothing of the emulator is called under it.
 */
package faultline.plugins.weave;
