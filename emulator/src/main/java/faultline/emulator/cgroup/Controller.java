package faultline.emulator.cgroup;

import java.util.Locale;

/** What a group can be given limits of; in the order in which cgroup.controllers lists them. */
enum Controller {
    MEMORY(true),
    PIDS(false);

    private final boolean ofDomains;

    Controller(boolean ofDomains) {
        this.ofDomains = ofDomains;
    }

    /** Whether processes of a group and the groups below it may not compete for it: not one for threads. */
    boolean isOfDomains() {
        return ofDomains;
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Null for none of that name. */
    static Controller of(String label) {
        for (Controller controller : values()) {
            if (controller.label().equals(label)) {
                return controller;
            }
        }
        return null;
    }
}
