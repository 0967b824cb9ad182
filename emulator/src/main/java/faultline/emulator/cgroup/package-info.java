/**
 * Control groups, version 2: the hierarchy of a guest's machine (kernel/cgroup/cgroup.c). It is the machine's own:
 * nothing of the host's groups is seen or changed. Its files are served by {@link faultline.emulator.fs.CgroupFiles};
 * who is charged for memory is kept by
 * {@link faultline.mmu.memcg.MemCgroup}.
 *
 * <table>
 * <caption>What is modelled</caption>
 * <tr><td>core</td><td>cgroup.controllers, subtree_control, procs, threads (to read), events, stat, type (domain, to
 * read), max.depth, max.descendants, kill, freeze; no domain controllers in a group that has processes;
 * CLONE_INTO_CGROUP; /proc/PID/cgroup, /proc/cgroups</td></tr>
 * <tr><td>memory</td><td>current, peak, max, high, events, events.local, stat (in part), oom.group, reclaim,
 * swap.current, swap.max, swap.events; min and low can be set and mean nothing to reclaim</td></tr>
 * <tr><td>pids</td><td>max, current, peak, events</td></tr>
 * <tr><td>not there</td><td>other controllers (cpu, cpuset, io, hugetlb, …), threaded groups (EOPNOTSUPP), pressure
 * files, namespaces of groups, version 1 (ENODEV), rights of owners of a part of the hierarchy, inotify and poll of the
 * events files</td></tr>
 * </table>
 *
 * <p>Lock: the hierarchy's monitor ({@link faultline.emulator.cgroup.Cgroups}), inside of the kernel's family lock and
 * outside of the monitor of a process' handlers. Which group a process is of may be read without it.
 */
package faultline.emulator.cgroup;
