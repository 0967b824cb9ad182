# Sourced by faultline before it opens anything: which descriptors whoever started it hands on.
#
# Sets inherited to their numbers with commas between, and unset where /proc does not tell. Standard input, output and error
# that are closed become /dev/null, so that Java's own files do not get their numbers; they are not among the inherited.
unset inherited
if [ -d "/proc/$$/fd" ]; then
    inherited=
    for fd in "/proc/$$/fd/"*; do
        # One number is of the directory just read, which is closed by now.
        [ -e "$fd" ] || continue
        fd=${fd##*/}
        # This shell has the script itself open, to be closed when it starts another program: bit O_CLOEXEC.
        flags=02000000
        while read -r name value; do
            [ "$name" != flags: ] || flags=$value
        done < "/proc/$$/fdinfo/$fd"
        [ $((flags & 02000000)) != 0 ] || inherited=$inherited,$fd
    done
    inherited=${inherited#,}
    case ,$inherited, in *,0,*) ;; *) exec 0< /dev/null ;; esac
    case ,$inherited, in *,1,*) ;; *) exec 1> /dev/null ;; esac
    case ,$inherited, in *,2,*) ;; *) exec 2> /dev/null ;; esac
fi
