/**
 * Files as the guest sees them: descriptors, open file descriptions, paths, and the pages that mappings share with
 * read(2) and write(2).
 *
 * <p>A guest descriptor is an index into an {@link faultline.emulator.fs.FdTable}; what it points to is an {@link
 * faultline.emulator.fs.OpenFile}, shared by dup and fork. Most open files own one descriptor of the host, and requests
 * pass to the host kernel unchanged, so that the guest gets the very bytes a native program gets. What must not pass —
 * {@code /proc} of ourselves, paths that leave {@code --root} — is caught by {@link faultline.emulator.fs.FsContext}.
 *
 * <p>Where the guest's tree is the host's own, paths pass to the host as they are. Where {@link
 * faultline.emulator.fs.Isolation} makes it another one, {@link faultline.emulator.fs.PathWalk} goes through them
 * component by component; {@link faultline.emulator.fs.OpenRules} and the system calls that change names and metadata
 * then ask on which {@link faultline.emulator.fs.Mount} the walk ended.
 *
 * <table>
 * <caption>Where to look</caption>
 * <tr><th>for</th><th>classes</th></tr>
 * <tr><td>descriptors, open files</td><td>{@code FdTable}, {@code OpenFile} and its kinds {@code HostFile}, {@code
 *     HugetlbFile}, {@code EmulatedFile} ({@code ReadinessFile}, {@code Virtual*}, {@code Proc*File}, {@code
 *     CgroupFile})</td></tr>
 * <tr><td>paths, roots, mounts</td><td>{@code Path*}, {@code Guest*}, {@code Mount*}, {@code Isolation}, {@code
 *     HostTmpfs}, {@code OpenRules}</td></tr>
 * <tr><td>cached and mapped pages</td><td>{@code Inode*}, {@code Cached*}, {@code HostStore}, {@code
 * SealedView}</td></tr>
 * <tr><td>locks, leases, seals</td><td>{@code RecordLocks}, {@code Leases}, {@code HostSeals}, {@code
 * WriteAccess}</td></tr>
 * <tr><td>/proc, /sys, /dev</td><td>{@code GuestTree}, {@code Virtual*}, {@code Proc*}, {@code Sys*}; what /proc
 *     shows of processes is in {@code faultline.emulator.proc}</td></tr>
 * <tr><td>cgroup2, hugetlbfs</td><td>{@code Cgroup*}, {@code Hugetlb*}</td></tr>
 * </table>
 *
 * <p>Locks, outermost first; none is held while a host call may block for long:
 *
 * <pre>
 *   OpenFile position lock        one read or write at the file position at a time, of a file with cached pages
 *     FdTable lock                table slots and close-on-exec bits
 *     FsContext lock              working directory and umask
 *     InodeCache                  its map; the mmu's own locks lie below (i_mmap lock, page locks)
 * </pre>
 *
 * An open file lives by its reference count: a table slot holds one, a mapping holds one, and whoever uses it outside
 * the table lock holds one, so that a close in another thread never hands a recycled host descriptor to a call in
 * flight.
 */
package faultline.emulator.fs;
