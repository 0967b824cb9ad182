package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.task.Task;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import faultline.plugins.output.Format;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Written entries and memory operations as events: each is compared with tables, mappings and registers as it happens.
 */
class TableEventsTest {
    private static final long PAGE = 4096;

    /** What the events of a run say against the machine. Returns what is wrong, then how much of what was compared. */
    static final class Comparing {
        private final TracedGuest traced = new TracedGuest();
        private final StringTable strings = traced.strings;
        private final List<String> wrong = new ArrayList<>();
        private final Map<String, Integer> compared = new TreeMap<>();
        /** Entries written since the fault before, and the values: the guest has one task. */
        private final Map<Long, Long> written = new HashMap<>();

        static List<String> run(SiteRegistry registry, Object[] arguments) throws IOException {
            return new Comparing().compare(registry, (String) arguments[0]);
        }

        private List<String> compare(SiteRegistry registry, String program) throws IOException {
            String wanted = "exceptions:page_fault_user,faultline:set_pte,faultline:mm_op";
            TraceSession session =
                    traced.session(wanted, Format.TEXT.open(OutputStream.nullOutputStream(), null, traced.names));
            session.subscribe(new EventSelection(wanted, null, strings), record -> {
                Task task = Task.currentOrNull();
                if (task != null && task.mm() != null) {
                    event(task, record);
                }
            });
            traced.run(registry, session, program, "/dev/null");
            wrong.add("compared " + compared);
            return wrong;
        }

        private void event(Task task, long[] record) {
            EventType type = Events.ALL.get((int) record[EventType.TYPE]);
            String what = type == Events.VMA_CHANGE ? strings.text(value(type, "op", record)) : type.name();
            compared.merge(what, 1, Integer::sum);
            int before = wrong.size();
            if (type == Events.PTE_SET) {
                written(task.kernel().memory().tables(), record);
            } else if (type == Events.VMA_CHANGE) {
                operation(task, what, record);
            } else {
                fault(task, record);
            }
            for (int i = before; i < wrong.size(); i++) {
                wrong.set(i, what + " " + wrong.get(i));
            }
        }

        private static long value(EventType type, String field, long[] record) {
            return type.field(field).get(record, 0);
        }

        private void check(boolean right, String otherwise) {
            if (!right) {
                wrong.add(otherwise);
            }
        }

        /** The event comes before the entry is written. */
        private void written(PageTables tables, long[] record) {
            long entry = value(Events.PTE_SET, "entry", record);
            check(entry % Long.BYTES == 0, "entry " + Long.toHexString(entry) + " is no entry's address");
            check(
                    tables.getPte(entry) == value(Events.PTE_SET, "before", record),
                    "before is not what the table holds");
            written.put(entry, value(Events.PTE_SET, "after", record));
        }

        /** What was written is what the fault left, but for bits that the processor sets. */
        private void fault(Task task, long[] record) {
            EventType type = Events.FAULT_USER;
            PageTables tables = task.kernel().memory().tables();
            long address = value(type, "address", record);
            long pmd = tables.walkToPmd(task.mm().pgd(), address);
            if (strings.text(value(type, "result", record)).equals("done")
                    && pmd >= 0
                    && Pte.isTable(tables.getPte(pmd))) {
                Long after = written.get(tables.pteOffset(pmd, address));
                long set = Pte.ACCESSED | Pte.DIRTY;
                if (strings.text(value(type, "path", record)).equals("new_page")) {
                    check(after != null, "told nothing of the entry of " + Long.toHexString(address));
                }
                if (after != null) {
                    check((after | set) == (value(type, "pte_after", record) | set), "left another entry");
                    compared.merge("entries of faults", 1, Integer::sum);
                }
            }
            written.clear();
        }

        private void operation(Task task, String op, long[] record) {
            EventType type = Events.VMA_CHANGE;
            long[] values = {
                value(type, "address", record), value(type, "length", record),
                value(type, "arg2", record), value(type, "arg3", record)
            };
            int[] registers = {CpuState.RDI, CpuState.RSI, CpuState.RDX, CpuState.R10};
            check(op.equals(task.kernel().syscalls().name(task.syscallNumber())), "is not the call under way");
            for (int i = 0; i < registers.length; i++) {
                check(values[i] == task.cpuState().get(registers[i]), "argument " + i + " is not the register's");
            }
            long result = value(type, "result", record);
            if (result < 0 && result > -4096) {
                compared.merge(op + " refused", 1, Integer::sum);
                return;
            }
            effect(task.mm(), op, values, result);
        }

        /** The mappings are what the operation says. */
        private void effect(MmStruct mm, String op, long[] values, long result) {
            long length = values[1] + PAGE - 1 & -PAGE;
            switch (op) {
                case "mmap" -> check(isMapped(mm, result, length), "result is not mapped");
                case "munmap" -> check(isFree(mm, values[0], length), "range is still mapped");
                case "mremap" -> check(isMapped(mm, result, values[2] + PAGE - 1 & -PAGE), "result is not mapped");
                case "mprotect" -> {
                    Vma vma = mm.vmas().lookup(values[0]);
                    check(vma != null && vma.end() >= Math.min(vma.end(), values[0] + length), "range is not mapped");
                    check(
                            vma != null && (vma.flags() & (Prot.READ | Prot.WRITE | Prot.EXEC)) == values[2],
                            "mapping has other rights");
                }
                case "brk" -> check(result == mm.brk(), "result is not the break");
                default -> check(result >= 0, "has no result");
            }
        }

        private static boolean isMapped(MmStruct mm, long start, long length) {
            for (long address = start; address < start + length; address += PAGE) {
                if (mm.vmas().lookup(address) == null) {
                    return false;
                }
            }
            return true;
        }

        private static boolean isFree(MmStruct mm, long start, long length) {
            for (long address = start; address < start + length; address += PAGE) {
                if (mm.vmas().lookup(address) != null) {
                    return false;
                }
            }
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"fresh_write", "read_then_write", "private_file", "mprotect_rights", "mremap_move", "brk_heap"})
    void everyWrittenEntryAndOperationAgreesWithTheMachine(String program) {
        var lines = (List<?>) WovenWorld.run(site -> true, Comparing.class, WovenWorld.program(program));
        assertThat(lines).hasSize(1);
        assertThat(lines.getLast().toString())
                .contains("faultline:set_pte=", "entries of faults=", "brk=", "mprotect=");
    }
}
