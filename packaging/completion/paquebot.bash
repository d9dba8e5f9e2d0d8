# bash completion for paquebot; made by: paquebot completion bash
_paquebot() {
  local -a typed place=()
  local line="${COMP_LINE:0:$COMP_POINT}" current="" verb="" behind="" words="" at=0 i prefix flags="$-"
  set -f; typed=($line); [[ $flags == *f* ]] || set +f
  i=$((${#typed[@]} - 1))
  [[ $line == *[[:blank:]] ]] || { current="${typed[i]}"; typed=("${typed[@]:0:$i}"); }
  for ((i = 1; i < ${#typed[@]}; i++)); do
    case "${typed[i]}" in
      --account|--acme-allow|--acme-ca-file|--acme-directory|--action|--address|--after|--alias-of|--as|--attach|--bcc|--body|--ca-file|--cc|--config|--data-dir|--days|--deliver-by|--destination|--domain|--event|--faults|--folder|--for|--format|--from|--header|--helo|--hold-for|--hold-until|--host|--hostname|--html|--html-file|--http|--ip|--limit|--list|--mail-from|--memory|--newest|--note|--of|--password-file|--pop3|--priority|--provider|--quota|--reason|--resolver|--rule|--seed|--senders|--server|--since|--smarthost|--smarthost-password-file|--smarthost-user|--smtp|--subject|--text|--text-file|--tls|--to|--trust-anchor|--until|--url|--user|--wait)
        if ((i + 1 == ${#typed[@]})); then behind="${typed[i]}"; fi
        case "${typed[i]}" in --config|--data-dir) place+=("${typed[i]}" "${typed[i+1]}") ;; esac
        ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $verb ]]; then verb="${typed[i]}"
        elif [[ $verb != *" "* ]]; then case "$verb" in domain|dkim|account|alias|right|token|hook|search|queue|fetch|import|message|block|allow|report|tls|dns|clock) verb+=" ${typed[i]}" ;; *) ((at++)) ;; esac
        else ((at++)); fi ;;
    esac
  done
  case "$verb${behind:+ $behind}" in *" --config"|--config) words=@files ;; *" --data-dir"|--data-dir) words=@files ;; esac
  [[ -n $behind ]] || behind=":$at"
  [[ $behind == :* ]] || behind=" $behind"
  if [[ -z $words ]]; then case "$verb$behind" in
    ":0") words="domain dkim account alias right token hook search queue fetch import message block allow report tls dns clock setup serve check status metrics doctor reload api version completion verify backup restore events audit destinations trace send export sink help" ;;
    "domain:0") words="add list dns owner remove" ;;
    "dkim:0") words="create list dns rotate retire" ;;
    "account:0") words="add list show addresses passwd quota mobileconfig limit disable enable suspects hold release app-password remove reset-link logout second-factor" ;;
    "alias:0") words="add senders list remove" ;;
    "right:0") words="add list remove" ;;
    "token:0") words="add list remove" ;;
    "hook:0") words="add list show change pause resume remove test replay" ;;
    "search:0") words="status rebuild" ;;
    "queue:0") words="list show why retry hold rebind release cancel suspend suspended resume" ;;
    "fetch:0") words="list show save delete" ;;
    "import:0") words="accounts mail imap" ;;
    "message:0") words="check" ;;
    "block:0") words="add list remove" ;;
    "allow:0") words="add list remove" ;;
    "report:0") words="dmarc tls" ;;
    "tls:0") words="status explain renew rotate" ;;
    "dns:0") words="forget" ;;
    "clock:0") words="confirm" ;;
    "setup --password-file") words="@files" ;;
    "setup --smarthost-password-file") words="@files" ;;
    "setup --trust-anchor") words="@files" ;;
    "setup --acme-ca-file") words="@files" ;;
    "setup:0") words="@accounts" ;;
    "api --body") words="@files" ;;
    "completion:0") words="bash zsh fish" ;;
    "tls explain:0") words="@domains" ;;
    "backup:0") words="@files" ;;
    "restore:0") words="@files" ;;
    "domain add --alias-of") words="@domains" ;;
    "domain add:0") words="@domains" ;;
    "domain dns:0") words="@domains" ;;
    "domain owner:0") words="@domains" ;;
    "domain owner:1") words="@accounts" ;;
    "domain remove:0") words="@domains" ;;
    "dkim create:0") words="@domains" ;;
    "dkim list:0") words="@domains" ;;
    "dkim dns:0") words="@domains" ;;
    "dkim rotate:0") words="@domains" ;;
    "dkim retire:0") words="@domains" ;;
    "alias add --account") words="@accounts" ;;
    "alias add:0") words="@accounts" ;;
    "alias senders:0") words="@accounts" ;;
    "alias list:0") words="@domains" ;;
    "alias remove:0") words="@accounts" ;;
    "account add --password-file") words="@files" ;;
    "account add:0") words="@accounts" ;;
    "account list:0") words="@domains" ;;
    "account show:0") words="@accounts" ;;
    "account addresses:0") words="@accounts" ;;
    "account passwd --password-file") words="@files" ;;
    "account passwd:0") words="@accounts" ;;
    "account quota:0") words="@accounts" ;;
    "account mobileconfig:0") words="@accounts" ;;
    "account limit:0") words="@accounts" ;;
    "account disable:0") words="@accounts" ;;
    "account enable:0") words="@accounts" ;;
    "account hold:0") words="@accounts" ;;
    "account release:0") words="@accounts" ;;
    "account app-password:0") words="add list revoke" ;;
    "account app-password:1") words="@accounts" ;;
    "account remove:0") words="@accounts" ;;
    "right add --domain") words="@domains" ;;
    "right add:0") words="@accounts" ;;
    "right remove --domain") words="@domains" ;;
    "right remove:0") words="@accounts" ;;
    "token add --account") words="@accounts" ;;
    "token add --domain") words="@domains" ;;
    "token list:0") words="@accounts" ;;
    "hook add --domain") words="@domains" ;;
    "hook add --account") words="@accounts" ;;
    "hook list:0") words="@accounts" ;;
    "hook change --domain") words="@domains" ;;
    "suppression list:0") words="@accounts" ;;
    "suppression add:0") words="@accounts" ;;
    "account reset-link:0") words="@accounts" ;;
    "account logout:0") words="@accounts" ;;
    "account second-factor:0") words="remove" ;;
    "account second-factor:1") words="@accounts" ;;
    "console link:0") words="@accounts" ;;
    "audit:0") words="@accounts" ;;
    "queue list --destination") words="@domains" ;;
    "queue list --address") words="@accounts" ;;
    "send --user") words="@accounts" ;;
    "send --password-file") words="@files" ;;
    "send --tls") words="auto starttls implicit none" ;;
    "send --ca-file") words="@files" ;;
    "send --from") words="@accounts" ;;
    "send --to") words="@accounts" ;;
    "send --cc") words="@accounts" ;;
    "send --bcc") words="@accounts" ;;
    "send --text-file") words="@files" ;;
    "send --html-file") words="@files" ;;
    "send --attach") words="@files" ;;
    "send --as") words="@accounts" ;;
    "fetch list --user") words="@accounts" ;;
    "fetch list --password-file") words="@files" ;;
    "fetch list --tls") words="auto starttls implicit none" ;;
    "fetch list --ca-file") words="@files" ;;
    "fetch show --user") words="@accounts" ;;
    "fetch show --password-file") words="@files" ;;
    "fetch show --tls") words="auto starttls implicit none" ;;
    "fetch show --ca-file") words="@files" ;;
    "fetch save --user") words="@accounts" ;;
    "fetch save --password-file") words="@files" ;;
    "fetch save --tls") words="auto starttls implicit none" ;;
    "fetch save --ca-file") words="@files" ;;
    "fetch save --folder") words="@files" ;;
    "fetch delete --user") words="@accounts" ;;
    "fetch delete --password-file") words="@files" ;;
    "fetch delete --tls") words="auto starttls implicit none" ;;
    "fetch delete --ca-file") words="@files" ;;
    "import accounts:0") words="@files" ;;
    "import mail:0") words="@accounts" ;;
    "import mail:1") words="@files" ;;
    "import imap --user") words="@accounts" ;;
    "import imap --password-file") words="@files" ;;
    "import imap --tls") words="auto starttls implicit none" ;;
    "import imap --ca-file") words="@files" ;;
    "import imap:0") words="@accounts" ;;
    "export --format") words="maildir mbox" ;;
    "export:1") words="@files" ;;
    "message check --mail-from") words="@accounts" ;;
    "message check --list") words="@files" ;;
    "message check:"*) words="@files" ;;
    "report dmarc --domain") words="@domains" ;;
    "report dmarc --address") words="@accounts" ;;
    "report tls --domain") words="@domains" ;;
    "report tls --address") words="@accounts" ;;
    "sink --smtp") words="@accounts" ;;
    "sink --http") words="@accounts" ;;
    "sink --pop3") words="@accounts" ;;
    "sink --faults") words="@files" ;;
  esac; fi
  if [[ $current == -* && $behind == :* ]]; then
    words="--config --data-dir --json --help"
    case "$verb" in
      "setup") words="--config --data-dir --json --help --hostname --address --generate --password-file --smarthost --smarthost-user --smarthost-password-file --resolver --trust-anchor --agree-tos --acme-directory --acme-ca-file --acme-allow --yes --no-start --wait --no-wait" ;;
      "serve") words="--config --data-dir --json --help" ;;
      "check") words="--config --data-dir --json --help --print-defaults --print-reference" ;;
      "status") words="--config --data-dir --json --help" ;;
      "metrics") words="--config --data-dir --json --help" ;;
      "doctor") words="--config --data-dir --json --help --all --watch --for --tell" ;;
      "reload") words="--config --data-dir --json --help" ;;
      "clock confirm") words="--config --data-dir --json --help --yes" ;;
      "api") words="--config --data-dir --json --help --describe --body --print-reference --types" ;;
      "version") words="--config --data-dir --json --help" ;;
      "completion") words="--config --data-dir --json --help" ;;
      "tls status") words="--config --data-dir --json --help" ;;
      "tls explain") words="--config --data-dir --json --help --refresh" ;;
      "tls renew") words="--config --data-dir --json --help" ;;
      "tls rotate") words="--config --data-dir --json --help" ;;
      "dns forget") words="--config --data-dir --json --help" ;;
      "verify") words="--config --data-dir --json --help --quiet" ;;
      "store status") words="--config --data-dir --json --help" ;;
      "store copy") words="--config --data-dir --json --help --keep --quiet" ;;
      "node list") words="--config --data-dir --json --help" ;;
      "node drain") words="--config --data-dir --json --help --end" ;;
      "backup") words="--config --data-dir --json --help --quiet" ;;
      "restore") words="--config --data-dir --json --help --quiet --force" ;;
      "search status") words="--config --data-dir --json --help" ;;
      "search rebuild") words="--config --data-dir --json --help --no-wait --quiet" ;;
      "domain add") words="--config --data-dir --json --help --alias-of" ;;
      "domain list") words="--config --data-dir --json --help" ;;
      "domain dns") words="--config --data-dir --json --help" ;;
      "domain owner") words="--config --data-dir --json --help" ;;
      "domain remove") words="--config --data-dir --json --help" ;;
      "dkim create") words="--config --data-dir --json --help" ;;
      "dkim list") words="--config --data-dir --json --help" ;;
      "dkim dns") words="--config --data-dir --json --help" ;;
      "dkim rotate") words="--config --data-dir --json --help --activate --force" ;;
      "dkim retire") words="--config --data-dir --json --help --force" ;;
      "alias add") words="--config --data-dir --json --help --account --senders" ;;
      "alias senders") words="--config --data-dir --json --help" ;;
      "alias list") words="--config --data-dir --json --help" ;;
      "alias remove") words="--config --data-dir --json --help" ;;
      "account add") words="--config --data-dir --json --help --quota --password-file --generate --no-password" ;;
      "account list") words="--config --data-dir --json --help" ;;
      "account show") words="--config --data-dir --json --help" ;;
      "account addresses") words="--config --data-dir --json --help" ;;
      "account passwd") words="--config --data-dir --json --help --password-file --generate" ;;
      "account quota") words="--config --data-dir --json --help" ;;
      "account mobileconfig") words="--config --data-dir --json --help" ;;
      "account limit") words="--config --data-dir --json --help" ;;
      "account disable") words="--config --data-dir --json --help" ;;
      "account enable") words="--config --data-dir --json --help" ;;
      "account suspects") words="--config --data-dir --json --help" ;;
      "account hold") words="--config --data-dir --json --help --reason" ;;
      "account release") words="--config --data-dir --json --help --drop --yes" ;;
      "account app-password") words="--config --data-dir --json --help" ;;
      "account remove") words="--config --data-dir --json --help --yes" ;;
      "right add") words="--config --data-dir --json --help --domain --operator" ;;
      "right list") words="--config --data-dir --json --help" ;;
      "right remove") words="--config --data-dir --json --help --domain --operator" ;;
      "token add") words="--config --data-dir --json --help --account --domain --from --for" ;;
      "token list") words="--config --data-dir --json --help" ;;
      "token remove") words="--config --data-dir --json --help" ;;
      "hook add") words="--config --data-dir --json --help --event --domain --account" ;;
      "hook list") words="--config --data-dir --json --help" ;;
      "hook show") words="--config --data-dir --json --help" ;;
      "hook change") words="--config --data-dir --json --help --url --event --domain --rotate" ;;
      "hook pause") words="--config --data-dir --json --help" ;;
      "hook resume") words="--config --data-dir --json --help" ;;
      "hook remove") words="--config --data-dir --json --help" ;;
      "hook test") words="--config --data-dir --json --help" ;;
      "hook replay") words="--config --data-dir --json --help --since" ;;
      "events") words="--config --data-dir --json --help --after --event" ;;
      "suppression list") words="--config --data-dir --json --help --of" ;;
      "suppression add") words="--config --data-dir --json --help --of --until --note" ;;
      "suppression show") words="--config --data-dir --json --help" ;;
      "suppression remove") words="--config --data-dir --json --help" ;;
      "account reset-link") words="--config --data-dir --json --help" ;;
      "account logout") words="--config --data-dir --json --help" ;;
      "account second-factor") words="--config --data-dir --json --help" ;;
      "console link") words="--config --data-dir --json --help" ;;
      "audit") words="--config --data-dir --json --help --action --limit" ;;
      "queue list") words="--config --data-dir --json --help --held --destination --address --after --limit" ;;
      "queue show") words="--config --data-dir --json --help" ;;
      "queue why") words="--config --data-dir --json --help" ;;
      "queue retry") words="--config --data-dir --json --help --all" ;;
      "queue hold") words="--config --data-dir --json --help --all" ;;
      "queue rebind") words="--config --data-dir --json --help --all --to" ;;
      "queue release") words="--config --data-dir --json --help --all" ;;
      "queue cancel") words="--config --data-dir --json --help --all --yes" ;;
      "queue suspend") words="--config --data-dir --json --help --until --reason" ;;
      "queue suspended") words="--config --data-dir --json --help" ;;
      "queue resume") words="--config --data-dir --json --help" ;;
      "site list") words="--config --data-dir --json --help" ;;
      "site show") words="--config --data-dir --json --help" ;;
      "site pause") words="--config --data-dir --json --help --until --reason" ;;
      "site resume") words="--config --data-dir --json --help" ;;
      "site forget") words="--config --data-dir --json --help" ;;
      "provider list") words="--config --data-dir --json --help" ;;
      "provider show") words="--config --data-dir --json --help" ;;
      "provider test") words="--config --data-dir --json --help --provider" ;;
      "provider forget") words="--config --data-dir --json --help --rule" ;;
      "destinations") words="--config --data-dir --json --help" ;;
      "trace") words="--config --data-dir --json --help --limit" ;;
      "send") words="--config --data-dir --json --help --server --user --password-file --tls --ca-file --insecure --from --to --cc --bcc --subject --text --text-file --html --html-file --attach --header --priority --hold-for --hold-until --deliver-by --require-tls --as --quiet" ;;
      "fetch list") words="--config --data-dir --json --help --server --user --password-file --tls --ca-file --insecure --newest" ;;
      "fetch show") words="--config --data-dir --json --help --server --user --password-file --tls --ca-file --insecure --delete" ;;
      "fetch save") words="--config --data-dir --json --help --server --user --password-file --tls --ca-file --insecure --delete --folder" ;;
      "fetch delete") words="--config --data-dir --json --help --server --user --password-file --tls --ca-file --insecure" ;;
      "import accounts") words="--config --data-dir --json --help" ;;
      "import mail") words="--config --data-dir --json --help --folder --again --quiet" ;;
      "import imap") words="--config --data-dir --json --help --server --user --password-file --tls --ca-file --insecure --folder --again --quiet" ;;
      "export") words="--config --data-dir --json --help --format --quiet" ;;
      "message check") words="--config --data-dir --json --help --ip --helo --mail-from --list --resolver" ;;
      "block add") words="--config --data-dir --json --help --reason --for" ;;
      "block list") words="--config --data-dir --json --help" ;;
      "block remove") words="--config --data-dir --json --help" ;;
      "allow add") words="--config --data-dir --json --help --reason --for" ;;
      "allow list") words="--config --data-dir --json --help" ;;
      "allow remove") words="--config --data-dir --json --help" ;;
      "report dmarc") words="--config --data-dir --json --help --days --domain --address" ;;
      "report tls") words="--config --data-dir --json --help --days --domain --address" ;;
      "sink") words="--config --data-dir --json --help --smtp --http --pop3 --host --faults --seed --memory" ;;
    esac
  fi
  case "$words" in
    @files) COMPREPLY=($(compgen -f -- "$current")) ;;
    @*) COMPREPLY=($(compgen -W "$("${typed[0]}" "${place[@]}" completion "${words#@}" 2> /dev/null)" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
  if [[ -z ${ZSH_VERSION:-} ]]; then
    prefix="${current%"${current##*[@:=]}"}"
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
  fi
}
complete -F _paquebot paquebot
