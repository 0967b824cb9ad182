package faultline.mmu.ksm;

/** What /sys/kernel/mm/ksm lets root set, with Linux's values to begin with. Read by any thread. */
public final class KsmKnobs {
    /** Nothing is scanned; what is shared stays so. */
    public static final int STOP = 0;
    /** The scanner works. */
    public static final int MERGE = 1;
    /** Nothing is shared any more. */
    public static final int UNMERGE = 2;

    private volatile int run = STOP;
    private volatile long pagesToScan = 100;
    private volatile long sleepMillisecs = 20;
    private volatile int maxPageSharing = 256;
    private volatile boolean smartScan = true;

    /** What the scanner does: {@link #STOP}, {@link #MERGE} or {@link #UNMERGE}. */
    public int run() {
        return run;
    }

    void setRun(int wanted) {
        run = wanted;
    }

    /** Pages looked at between two sleeps. */
    public long pagesToScan() {
        return pagesToScan;
    }

    public void setPagesToScan(long pages) {
        pagesToScan = pages;
    }

    /** How long a sleep lasts. */
    public long sleepMillisecs() {
        return sleepMillisecs;
    }

    public void setSleepMillisecs(long millis) {
        sleepMillisecs = millis;
    }

    /** Places that may share one page. */
    public int maxPageSharing() {
        return maxPageSharing;
    }

    void setMaxPageSharing(int places) {
        maxPageSharing = places;
    }

    /** Whether pages that were looked at in vain are looked at less often. */
    public boolean smartScan() {
        return smartScan;
    }

    public void setSmartScan(boolean on) {
        smartScan = on;
    }
}
