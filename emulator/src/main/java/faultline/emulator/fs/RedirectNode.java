package faultline.emulator.fs;

/** Stands for another guest path: where a link of the virtual tree leads when it is followed. */
final class RedirectNode extends VirtualNode {
    private final String target;

    RedirectNode(String path, String target) {
        super(path, path);
        this.target = target;
    }

    @Override
    public String redirect() {
        return target;
    }
}
