/**
 * The kernel's own address space.
 *
 * <p>Locks, outermost first: {@code VMAP_AREA_LOCK} (which addresses are in use), {@code PAGE_TABLE_LOCK} of init_mm
 * (adding a table), each taken alone and inside the calls; nothing is locked around vmalloc, vmap, ioremap or
 * pteAllocKernel (seed 002).
 *
 * <table>
 * <caption>What guards what</caption>
 * <tr><th>state</th><th>guarded by</th></tr>
 * <tr><td>trees of free and used addresses</td><td>VMAP_AREA_LOCK</td></tr>
 * <tr><td>entries of an area</td><td>having the area: taken from the free addresses, or removed from the used
 * ones</td></tr>
 * <tr><td>pointers to tables</td><td>page_table_lock to set one that is none; never changed after</td></tr>
 * </table>
 */
package faultline.mmu.kernel;
