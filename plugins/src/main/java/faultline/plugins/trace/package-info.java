/**
 * Tracing: from probes on the memory manager and the emulator to events, and from events to sinks.
 *
 * <pre>
 *   woven method ── entry/exit handlers (Tracepoints) ── scratch record of the thread (ThreadTrace)
 *        └─ filter of the event's type ── EventRing ── writer thread (TraceSession) ── sinks
 * </pre>
 *
 * <p>Handlers run in the thread of the event, some with page-table locks held: they allocate nothing in the steady
 * state, take no lock of the guest's kernel but the mmap lock for reading where nothing is held, and block on nothing
 * but a full ring, and that only with {@code --on-full=wait}.
 */
package faultline.plugins.trace;
