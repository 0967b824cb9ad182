#!/bin/sh
# fault-table.sh: prints the table of emulator/docs/fault-counts.md, from running the programs of src/faults now.
cd "$(dirname "$0")" || exit 1
sh build.sh || exit 1
echo "# Minor faults, native and in Faultline"
echo
echo "Written by \`testbins/fault-table.sh > emulator/docs/fault-counts.md\`; native is Linux $(uname -r | cut -d . -f 1-2)."
echo "\`ru_minflt\` of getrusage(2) around each step, 4 KiB pages (\`private_file\`: with \`ru_majflt\`)."
differ=0
for source in src/faults/*.c; do
    name=$(basename "$source" .c)
    native=$(target/bin/"$name")
    ours=$(../faultline run target/bin/"$name")
    echo
    echo "## $name"
    echo
    if [ "$native" != "$ours" ]; then
        differ=$((differ + 1))
        echo "**The outputs differ.**"
        echo
    fi
    echo "| step | native | Faultline |"
    echo "| --- | ---: | ---: |"
    echo "$native" > target/native.txt
    echo "$ours" > target/faultline.txt
    paste -d '\t' target/native.txt target/faultline.txt | awk -F '\t' '
        match($1, /  +[0-9]+$/) {
            label = substr($1, 1, RSTART - 1); gsub(/\|/, "\\|", label)
            a = $1; sub(/.* /, "", a); b = $2; sub(/.* /, "", b)
            print "| " label " | " a " | " b " |"
        }'
done
echo
echo "Programs whose output differs: $differ."
