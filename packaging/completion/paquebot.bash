# bash completion for paquebot; made by: paquebot completion bash
_paquebot() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" verb="" words="" i
  case "$previous" in
    --config|--password-file|--ca-file|--text-file|--html-file|--attach|--folder) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      --config) ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $verb ]]; then verb="${COMP_WORDS[i]}"
        elif [[ $verb != *" "* ]]; then case "$verb" in domain|dkim|account|alias|queue|fetch|import|message|block|allow|report|dns|clock) verb+=" ${COMP_WORDS[i]}" ;; esac; fi ;;
    esac
  done
  case "$verb" in
    "") words="domain dkim account alias queue fetch import message block allow report dns clock serve check status reload version completion verify backup restore trace send --config --json --help" ;;
    "domain") words="add list dns owner remove" ;;
    "dkim") words="create list dns rotate retire" ;;
    "account") words="add list show addresses passwd quota limit disable enable suspects hold release app-password remove" ;;
    "alias") words="add senders list remove" ;;
    "queue") words="list show retry hold release cancel" ;;
    "fetch") words="list show save delete" ;;
    "import") words="accounts mail" ;;
    "message") words="check" ;;
    "block") words="add list remove" ;;
    "allow") words="add list remove" ;;
    "report") words="dmarc" ;;
    "dns") words="forget" ;;
    "clock") words="confirm" ;;
    "serve") words="--config --json --help" ;;
    "check") words="--config --json --help" ;;
    "status") words="--config --json --help" ;;
    "reload") words="--config --json --help" ;;
    "clock confirm") words="--config --json --help --yes" ;;
    "version") words="--config --json --help" ;;
    "completion") words="--config --json --help" ;;
    "dns forget") words="--config --json --help" ;;
    "verify") words="--config --json --help --quiet" ;;
    "backup") words="--config --json --help --quiet" ;;
    "restore") words="--config --json --help --quiet --force" ;;
    "domain add") words="--config --json --help" ;;
    "domain list") words="--config --json --help" ;;
    "domain dns") words="--config --json --help" ;;
    "domain owner") words="--config --json --help" ;;
    "domain remove") words="--config --json --help" ;;
    "dkim create") words="--config --json --help" ;;
    "dkim list") words="--config --json --help" ;;
    "dkim dns") words="--config --json --help" ;;
    "dkim rotate") words="--config --json --help --activate --force" ;;
    "dkim retire") words="--config --json --help --force" ;;
    "alias add") words="--config --json --help --account --senders" ;;
    "alias senders") words="--config --json --help" ;;
    "alias list") words="--config --json --help" ;;
    "alias remove") words="--config --json --help" ;;
    "account add") words="--config --json --help --quota --password-file --generate --no-password" ;;
    "account list") words="--config --json --help" ;;
    "account show") words="--config --json --help" ;;
    "account addresses") words="--config --json --help" ;;
    "account passwd") words="--config --json --help --password-file --generate" ;;
    "account quota") words="--config --json --help" ;;
    "account limit") words="--config --json --help" ;;
    "account disable") words="--config --json --help" ;;
    "account enable") words="--config --json --help" ;;
    "account suspects") words="--config --json --help" ;;
    "account hold") words="--config --json --help --reason" ;;
    "account release") words="--config --json --help --drop --yes" ;;
    "account app-password") words="--config --json --help" ;;
    "account remove") words="--config --json --help --yes" ;;
    "queue list") words="--config --json --help --held --destination --address --after --limit" ;;
    "queue show") words="--config --json --help" ;;
    "queue retry") words="--config --json --help --all" ;;
    "queue hold") words="--config --json --help --all" ;;
    "queue release") words="--config --json --help --all" ;;
    "queue cancel") words="--config --json --help --all" ;;
    "trace") words="--config --json --help --limit" ;;
    "send") words="--config --json --help --server --user --password-file --tls --ca-file --insecure --from --to --cc --bcc --subject --text --text-file --html --html-file --attach --header --priority --hold-for --hold-until --deliver-by --require-tls --quiet" ;;
    "fetch list") words="--config --json --help --server --user --password-file --tls --ca-file --insecure --newest" ;;
    "fetch show") words="--config --json --help --server --user --password-file --tls --ca-file --insecure --delete" ;;
    "fetch save") words="--config --json --help --server --user --password-file --tls --ca-file --insecure --delete --folder" ;;
    "fetch delete") words="--config --json --help --server --user --password-file --tls --ca-file --insecure" ;;
    "import accounts") words="--config --json --help" ;;
    "import mail") words="--config --json --help --again --quiet" ;;
    "message check") words="--config --json --help --ip --helo --mail-from --list --resolver" ;;
    "block add") words="--config --json --help --reason --for" ;;
    "block list") words="--config --json --help" ;;
    "block remove") words="--config --json --help" ;;
    "allow add") words="--config --json --help --reason --for" ;;
    "allow list") words="--config --json --help" ;;
    "allow remove") words="--config --json --help" ;;
    "report dmarc") words="--config --json --help --days --domain --address" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ ${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _paquebot paquebot
