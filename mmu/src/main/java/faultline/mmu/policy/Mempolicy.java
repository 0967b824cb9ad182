package faultline.mmu.policy;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * A memory policy. Never changes; the default policy is no object, but null.
 *
 * @param mode one of the modes below, never {@link #DEFAULT}
 * @param flags of {@link #MODE_FLAGS}
 * @param given the nodes as the program named them, where the flags keep those; else null
 * @param nodes those of the machine that they come to; empty for {@link #LOCAL}
 * @param homeNode the node to begin with (set_mempolicy_home_node(2)), or {@link #NO_NODE}
 */
@KernelFunction(value = "mempolicy", file = "include/linux/mempolicy.h")
public record Mempolicy(int mode, int flags, NodeMask given, NodeMask nodes, int homeNode) {
    public static final int DEFAULT = 0;
    public static final int PREFERRED = 1;
    public static final int BIND = 2;
    public static final int INTERLEAVE = 3;
    public static final int LOCAL = 4;
    public static final int PREFERRED_MANY = 5;
    public static final int WEIGHTED_INTERLEAVE = 6;

    /** Flags that come in one number with the mode. */
    public static final int STATIC_NODES = 1 << 15;

    public static final int RELATIVE_NODES = 1 << 14;
    public static final int NUMA_BALANCING = 1 << 13;
    public static final int MODE_FLAGS = STATIC_NODES | RELATIVE_NODES | NUMA_BALANCING;

    public static final int NO_NODE = -1;

    private static final int USER_NODES = STATIC_NODES | RELATIVE_NODES;

    /** Checks a mode with its flags, before any node is looked at. @return 0 or -EINVAL */
    @KernelFunction(value = "sanitize_mpol_flags", file = "mm/mempolicy.c")
    public static int checkMode(int modeAndFlags) {
        int mode = modeAndFlags & ~MODE_FLAGS;
        boolean unknown = mode < DEFAULT || mode > WEIGHTED_INTERLEAVE;
        boolean both = (modeAndFlags & USER_NODES) == USER_NODES;
        boolean unbalanced = (modeAndFlags & NUMA_BALANCING) != 0 && mode != BIND && mode != PREFERRED_MANY;
        return unknown || both || unbalanced ? -Errno.EINVAL : 0;
    }

    /** Checks the nodes for a mode that {@link #checkMode} let pass. @return 0 or -EINVAL */
    @KernelFunction(value = "mpol_new", file = "mm/mempolicy.c")
    public static int checkNodes(int modeAndFlags, NodeMask given) {
        boolean userNodes = (modeAndFlags & USER_NODES) != 0;
        boolean valid =
                switch (modeAndFlags & ~MODE_FLAGS) {
                    case DEFAULT -> given.isEmpty();
                    case LOCAL -> given.isEmpty() && !userNodes;
                    case PREFERRED ->
                        given.isEmpty()
                                ? !userNodes
                                : !onMachine(modeAndFlags, given).isEmpty();
                    default -> !onMachine(modeAndFlags, given).isEmpty();
                };
        return valid ? 0 : -Errno.EINVAL;
    }

    /** The policy of arguments that both checks let pass; null for the default one. */
    @KernelFunction(value = "mpol_set_nodemask", file = "mm/mempolicy.c")
    public static Mempolicy of(int modeAndFlags, NodeMask given) {
        int flags = modeAndFlags & MODE_FLAGS;
        int mode = modeAndFlags & ~MODE_FLAGS;
        if (mode == DEFAULT) {
            return null;
        }
        boolean local = mode == LOCAL || mode == PREFERRED && given.isEmpty();
        return new Mempolicy(
                local ? LOCAL : mode,
                flags,
                (flags & USER_NODES) != 0 ? given : null,
                local ? NodeMask.EMPTY : onMachine(flags, given),
                NO_NODE);
    }

    /** Relative nodes are counted around the machine's; others have to be there. */
    @KernelFunction(value = "mpol_relative_nodemask", file = "mm/mempolicy.c")
    private static NodeMask onMachine(int flags, NodeMask given) {
        boolean any = (flags & RELATIVE_NODES) != 0 ? !given.isEmpty() : given.hasOnline();
        return any ? NodeMask.ONLINE : NodeMask.EMPTY;
    }

    /** The same with another node to begin with. */
    public Mempolicy withHomeNode(int node) {
        return new Mempolicy(mode, flags, given, nodes, node);
    }

    /** Whether a home node can be said for it. */
    public boolean takesHomeNode() {
        return mode == BIND || mode == PREFERRED_MANY;
    }

    /** Mode and flags as get_mempolicy(2) tells them. */
    public static int told(Mempolicy policy) {
        return policy == null ? DEFAULT : policy.mode | policy.flags;
    }

    /** Nodes as get_mempolicy(2) tells them. */
    @KernelFunction(value = "get_policy_nodemask", file = "mm/mempolicy.c")
    public static NodeMask toldNodes(Mempolicy policy) {
        if (policy == null) {
            return NodeMask.EMPTY;
        }
        return policy.given != null ? policy.given : policy.nodes;
    }

    /** As /proc/PID/numa_maps has it: {@code bind=static:0}. */
    @KernelFunction(value = "mpol_to_str", file = "mm/mempolicy.c")
    public static String text(Mempolicy policy) {
        if (policy == null) {
            return "default";
        }
        String name =
                switch (policy.mode) {
                    case PREFERRED -> "prefer";
                    case BIND -> "bind";
                    case INTERLEAVE -> "interleave";
                    case LOCAL -> "local";
                    case PREFERRED_MANY -> "prefer (many)";
                    default -> "weighted interleave";
                };
        String nodes = policy.nodes.isEmpty() ? "" : ":0";
        return policy.flags == 0 ? name + nodes : name + "=" + flagNames(policy.flags) + nodes;
    }

    private static String flagNames(int flags) {
        String relation = (flags & STATIC_NODES) != 0 ? "static" : (flags & RELATIVE_NODES) != 0 ? "relative" : "";
        String balancing = (flags & NUMA_BALANCING) != 0 ? "balancing" : "";
        return relation + (relation.isEmpty() || balancing.isEmpty() ? "" : "|") + balancing;
    }
}
