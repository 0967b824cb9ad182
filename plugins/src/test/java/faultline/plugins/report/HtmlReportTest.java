package faultline.plugins.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
    @TempDir
    Path dir;

    private Path page() throws IOException {
        var lines = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            lines.append("{\"time\":%d,\"event\":\"exceptions:page_fault_user\",\"pid\":5,\"tid\":5,"
                    .formatted(1000 + i * 50));
            lines.append("\"comm\":\"demo</script>\",\"ns\":%d,\"address\":\"0x%x\",\"ip\":\"0x401000\","
                    .formatted(300 + i, 0x4000_0000L + i * 4096L));
            lines.append("\"ip_symbol\":\"touch+0x%x\",\"ip_line\":\"demo.c:7\",\"error_code\":\"0x6\"".formatted(i));
            lines.append(",\"path\":\"new_page\",\"vma\":\"//anon\",\"major\":0,\"result\":\"done\"}\n");
        }
        lines.append("{\"time\":12000,\"event\":\"faultline:mm_op\",\"pid\":5,\"tid\":5,\"comm\":\"demo\",\"ns\":70,"
                + "\"op\":\"munmap\",\"address\":\"0x40000000\",\"length\":\"0xc8000\",\"result\":\"0x0\"}\n");
        Path trace = Files.writeString(dir.resolve("trace.jsonl"), lines);
        Path page = dir.resolve("report.html");
        HtmlReport.write(trace, page);
        return page;
    }

    @Test
    void pageNeedsNothingFromElsewhereAndCarriesTheSums() throws IOException {
        String html = Files.readString(page());
        assertThat(html)
                .contains("\"minor\":200", "\"count\":200", "munmap", "\"lines\":[[\"demo.c:7\",200,")
                .doesNotContain("/*DATA*/");
        assertThat(html).doesNotContainPattern("(src|href)\\s*=").doesNotContain("@import", "fetch(");
        // a name from the trace must not end the script
        assertThat(html.split("</script>", -1)).hasSize(2);
    }

    @Test
    void browserDrawsAllOfItWithoutAnError() throws Exception {
        Path browser = Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        assumeTrue(browser != null, "no Chromium here: install the package chromium to check the page in a browser");
        Path errors = dir.resolve("errors");
        Path dom = dir.resolve("dom");
        Process process = new ProcessBuilder(List.of(
                        browser.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--enable-logging=stderr",
                        "--user-data-dir=" + dir.resolve("profile"),
                        "--dump-dom",
                        page().toUri().toString()))
                .redirectError(errors.toFile())
                .redirectOutput(dom.toFile())
                .start();
        assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
        String html = Files.readString(dom, StandardCharsets.UTF_8);
        assertThat(html)
                .contains("data-rendered=\"yes\"", "demo", "mapnote", "class=\"flame\"", "class=\"chart\"", "<table");
        assertThat(html.split("<rect", -1).length).isGreaterThan(20);
        assertThat(Files.readString(errors, StandardCharsets.UTF_8)).doesNotContain("CONSOLE");
    }

    @Test
    void regionWithAHotPlaceGetsAPictureOfThatPlace() {
        var pages = new PageTimes();
        for (int i = 0; i < 6400; i++) {
            pages.add(i, i, "//anon");
        }
        assertThat(zooms(pages)).as("all places alike").isEmpty();
        for (int i = 0; i < 9000; i++) {
            pages.add(3200 + i % 10, i, "[heap]");
        }
        assertThat(zooms(pages)).first().satisfies(zoom -> {
            assertThat((Long) zoom.get("count")).isGreaterThan(9000);
            assertThat(zoom).containsEntry("areas", List.of("[heap]", "//anon"));
            assertThat(Long.decode((String) zoom.get("start"))).isBetween(2400L << 12, 3200L << 12);
        });
    }

    @SuppressWarnings("unchecked") // made by PageTimes
    private static List<Map<String, Object>> zooms(PageTimes pages) {
        return (List<Map<String, Object>>) pages.regions(10_000).getFirst().get("zooms");
    }

    @Test
    void lineThatIsCutOffIsLeftOut() throws IOException {
        String event = "{\"time\":1,\"event\":\"faultline:mm_op\",\"tid\":1}\n";
        Path cut = Files.writeString(dir.resolve("cut"), event + event + "{\"time\":3,\"ev");
        assertThat(HtmlReport.write(cut, dir.resolve("out"))).isFalse();
        assertThat(dir.resolve("out")).content().contains("\"events\":2");
        assertThat(HtmlReport.write(Files.writeString(cut, event), dir.resolve("out")))
                .isTrue();
    }

    @Test
    void emptyAndBinaryFilesAreRefused() throws IOException {
        Path empty = Files.createFile(dir.resolve("empty"));
        assertThatThrownBy(() -> HtmlReport.write(empty, dir.resolve("out"))).hasMessageContaining("holds no event");
        Path binary =
                Files.write(dir.resolve("binary"), new byte[] {0x7f, 'E', 'L', 'F', (byte) 0xff, 10, (byte) 0x80});
        assertThatThrownBy(() -> HtmlReport.write(binary, dir.resolve("out")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("line 1 is no event");
    }

    @Test
    void traceThatIsNoneIsRefusedWithTheLine() throws IOException {
        Path bad = Files.writeString(dir.resolve("bad"), "{\"time\":1,\"event\":\"x\"}\nnot json\n");
        assertThatThrownBy(() -> HtmlReport.write(bad, dir.resolve("out"))).hasMessageContaining("line 2");
    }
}
