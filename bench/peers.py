"""The peers: Postfix, Exim and OpenSMTPD with Dovecot for mailboxes and logins, each as its documentation advises for much mail.

None of them has a syslog daemon to talk to here: what they log through syslog costs them next to nothing, which is in their favour."""

import os
import pathlib
import shutil
import signal
import subprocess

import world
from postfix import Postfix as PostfixInstance
from signing import OpenDkim
from servers import DOMAIN, HASH, MAILBOXES, PARALLEL, Served, lines_of, submission_certificate, wait_until

DOVECOT = """\
base_dir = {run}
state_dir = {folder}/dovecot-state
log_path = {folder}/dovecot.log
protocols = pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 10M
mail_location = maildir:{folder}/mail/%u
maildir_very_dirty_syncs = yes
mail_fsync = optimized
mail_max_userip_connections = 1000
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=SHA512-CRYPT username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={folder}/mail/%u
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  process_min_avail = 4
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
  service_count = 0
  process_min_avail = 2
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@bench.test
}}
"""


class Dovecot:
    """Mailboxes (Maildir) and logins for a peer, or POP3 alone. Its processes belong to whoever starts it."""

    def __init__(self, folder, pop3_port):
        self.folder, self.pop3_port = folder, pop3_port
        self.run = pathlib.Path(f"/run/dovecot-{folder.name}")
        self.lmtp, self.auth = self.run / "lmtp", self.run / "auth-client"
        self.text = DOVECOT.format(folder=folder, run=self.run, pop3=pop3_port)

    def start(self):
        mail = self.folder / "mail"
        for folder in (mail, self.run, self.folder / "dovecot-state"):
            folder.mkdir(exist_ok=True)
        shutil.chown(mail, "vmail", "vmail")
        (self.folder / "users").write_text("".join(f"u{n}@{DOMAIN}:{HASH}\n" for n in range(MAILBOXES)))
        config = self.folder / "dovecot.conf"
        config.write_text(self.text)
        with open(self.folder / "dovecot-output.log", "wb") as output:
            self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", config], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until(lambda: self.process.poll() is not None or (self.lmtp.exists() and lines_of(self.pop3_port)), 30, "Dovecot")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def delivered(self):
        """Messages in all mailboxes that nobody has looked at yet."""
        return sum(len(os.listdir(folder)) for folder in (self.folder / "mail").glob("*/new"))


class Peer(Served):
    """A peer that delivers through Dovecot's LMTP, and perhaps asks it about logins."""
    asks_dovecot = False

    def __init__(self, job):
        super().__init__(job)
        wanted = job.kind == "local" or (job.kind == "submission" and self.asks_dovecot)
        self.dovecot = Dovecot(self.folder, self.pop3_port) if wanted else None

    def start(self):
        if self.dovecot:
            self.dovecot.start()
        self.start_own()

    def stop(self):
        super().stop()
        if self.dovecot:
            self.dovecot.stop()

    def undelivered(self, count):
        return count - self.dovecot.delivered()

    def sink(self):
        return next(iter(self.job.sinks.values()))

    def settings(self):
        return self.own_settings() + (f"\n# Dovecot\n{self.dovecot.text}" if self.dovecot else "")


class Postfix(Peer):
    name = "postfix"
    asks_dovecot = True
    shown = ("in_flow_delay", "qmgr_message_active_limit", "default_destination_concurrency_limit", "initial_destination_concurrency",
             "smtpd_data_restrictions", "virtual_transport", "relayhost", "smtpd_error_sleep_time", "smtpd_tls_session_cache_database",
             "smtpd_client_connection_count_limit", "queue_run_delay", "minimal_backoff_time", "smtpd_milters", "milter_default_action")

    def __init__(self, job):
        super().__init__(job)
        self.signer = OpenDkim(self.folder) if job.keys else None
        self.instance = None

    def own_main(self):
        """Its settings but those of a job, which are more."""
        return {"maillog_file": "", "in_flow_delay": "0s", "qmgr_message_active_limit": "100000", "queue_run_delay": "300s",
                "qmgr_message_recipient_limit": "100000", "minimal_backoff_time": "300s", "maximal_backoff_time": "4000s",
                "default_destination_concurrency_limit": PARALLEL, "initial_destination_concurrency": PARALLEL,
                "smtpd_error_sleep_time": "0", "smtpd_client_message_rate_limit": "0", "smtpd_recipient_limit": "1000"}

    def start_own(self):
        main = self.own_main()
        options = {"domains": [DOMAIN]}
        if self.job.kind in ("accept", "submission"):
            main["smtpd_data_restrictions"] = "check_client_access static:HOLD"
        if self.job.kind == "local":
            main["virtual_transport"] = f"lmtp:unix:{self.dovecot.lmtp}"
        if self.job.kind == "relay":
            options = {"relay_to": ("127.0.0.1", self.sink()),
                       "transports": {domain: f"smtp:[127.0.0.1]:{port}" for domain, port in self.job.sinks.items()}}
        if self.job.kind == "submission":
            certificate, key = submission_certificate()
            options["tls"] = (certificate, key)
            main |= {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": self.dovecot.auth,
                     "smtpd_tls_auth_only": "yes", "smtpd_tls_session_cache_database": "btree:${data_directory}/smtpd_scache"}
        if self.job.keys:
            self.signer.start()
            main |= {"smtpd_milters": f"unix:{self.signer.socket}", "milter_default_action": "tempfail"}
        self.instance = PostfixInstance(world.PEERS, self.folder, hostname="postfix.bench.test", port=self.port, processes=600,
                                        main=main, **options)
        self.instance.start()
        self.process = self.instance.process

    def stop(self):
        if self.instance is not None:
            self.instance.stop()
            self.instance = self.process = None
        if self.signer:
            self.signer.stop()
        super().stop()

    def key_records(self):
        return self.signer.records() if self.signer else {}

    def own_settings(self):
        values = self.instance.settings()
        return "\n".join(f"{key} = {values[key]}" for key in self.shown if key in values) + "\nsmtpd processes: 600" + (
            f"\n# OpenDKIM\n{self.signer.text}" if self.signer else "")


EXIM = """\
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
primary_hostname = exim.bench.test
domainlist local_domains = {domain}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = accept
acl_smtp_data = accept
split_spool_directory = true
smtp_accept_max = 2000
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 1024
queue_run_max = 20
remote_max_parallel = {parallel}
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 200M
check_spool_space = 0
check_log_space = 0
{more}
begin routers
{routers}
begin transports
{transports}
begin authenticators
{authenticators}
"""


class Exim(Peer):
    name = "exim"

    def text(self):
        kind = self.job.kind
        more, routers, transports, authenticators = "tls_advertise_hosts =", "", "", ""
        if kind in ("accept", "submission"):
            more += "\nqueue_only = true"
        if kind == "local":
            routers = "to_dovecot:\n  driver = accept\n  transport = dovecot\n"
            transports = f"dovecot:\n  driver = lmtp\n  socket = {self.dovecot.lmtp}\n"
        if kind == "relay":
            for number, (domain, port) in enumerate(self.job.sinks.items()):
                routers += (f"to_sink{number}:\n  driver = manualroute\n  domains = {domain}\n  route_list = * 127.0.0.1\n"
                            f"  self = send\n  transport = sink{number}\n")
                transports += (f"sink{number}:\n  driver = smtp\n  port = {port}\n  allow_localhost\n  hosts_try_auth =\n"
                               f"  connection_max_messages = 500\n")
        if kind == "submission":
            # Exim reads the key after it has become its own user.
            certificate, root_key = submission_certificate()
            key = pathlib.Path(shutil.copy(root_key, self.folder / "key.pem"))
            shutil.chown(key, "Debian-exim")
            hashed = HASH.replace("$", "\\$")
            more = f"tls_advertise_hosts = *\ntls_certificate = {certificate}\ntls_privatekey = {key}\nqueue_only = true"
            authenticators = "plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n  server_set_id = $auth2\n"
            authenticators += f"  server_condition = ${{if crypteq{{$auth3}}{{\\{{crypt\\}}{hashed}}}}}\n"
        return EXIM.format(folder=self.folder, domain=DOMAIN, port=self.port, parallel=PARALLEL, more=more, routers=routers,
                           transports=transports, authenticators=authenticators)

    def start_own(self):
        (self.folder / "spool").mkdir()
        for folder in (self.folder, self.folder / "spool"):
            shutil.chown(folder, "Debian-exim", "Debian-exim")
        config = pathlib.Path("/etc/exim4/exim4.conf")
        config.write_text(self.text())
        self.run("/usr/sbin/exim4", "-bdf", "-q30m")

    def own_settings(self):
        return self.text()


OPENSMTPD = """\
smtp max-message-size 200M
smtp limit max-mails 1000000
queue ttl 4d
{tls}
{listen}
{action}
match from any for any action "deliver"
"""


class OpenSmtpd(Peer):
    name = "opensmtpd"

    def text(self):
        kind = self.job.kind
        tls, listen = "", f"listen on 127.0.0.1 port {self.port}"
        action = 'action "deliver" relay host "smtp://127.0.0.1:9"'
        if kind == "submission":
            certificate, key = submission_certificate()
            tls = f'pki bench cert "{certificate}"\npki bench key "{key}"\ntable logins file:/etc/opensmtpd-logins'
            listen += " tls-require pki bench auth <logins>"
        if kind == "local":
            action = f'action "deliver" lmtp "{self.dovecot.lmtp}" rcpt-to user vmail virtual {{ "@{DOMAIN}" = vmail }}'
        if kind == "relay":
            action = f'action "deliver" relay host "smtp://127.0.0.1:{self.sink()}"'
        return OPENSMTPD.format(tls=tls, listen=listen, action=action)

    def start_own(self):
        for folder in pathlib.Path("/var/spool").iterdir():
            shutil.rmtree(folder)
        pathlib.Path("/etc/opensmtpd-logins").write_text(f"u0@{DOMAIN} {HASH}\n")
        config = pathlib.Path("/etc/smtpd.conf")
        config.write_text(self.text())
        config.chmod(0o644)
        self.run("/usr/sbin/smtpd", "-F", "-f", config)

    def wait_ready(self):
        super().wait_ready()
        if self.job.kind in ("accept", "submission"):
            subprocess.run(["/usr/sbin/smtpctl", "pause", "mta"], check=True, capture_output=True)

    def own_settings(self):
        return self.text()
