#pragma once

#include "control/action.h"
#include "control/call.h"
#include "control/json.h"
#include "control/target.h"

/// The functions of the actions (action.h), a file for each subject.
namespace paquebot::control {

Task<Answer> verify(Context& context, Call call);
Task<Answer> list_nodes(Context& context, Call call);
Task<Answer> drain_node(Context& context, Call call);
Task<Answer> show_store(Context& context, Call call);
Task<Answer> begin_backup(Context& context, Call call);
Task<Answer> go_on_with_backup(Context& context, Call call);

/// Where mail for an address would go (resolve.cc).
Task<Answer> resolve_address(Context& context, Call call);

Task<Answer> describe_api(Context& context, Call call);
Task<Answer> show_me(Context& context, Call call);

// Sessions of the console, and how people get one (web_session.cc, logins.cc, second_factor.cc).
Task<Answer> open_session(Context& context, Call call);
Task<Answer> open_session_by_link(Context& context, Call call);
Task<Answer> close_session(Context& context, Call call);
// Those that are open (sessions.cc).
Task<Answer> list_sessions(Context& context, Call call);
Task<Answer> end_session(Context& context, Call call);
Task<Answer> end_other_sessions(Context& context, Call call);
Task<Answer> end_account_sessions(Context& context, Call call);
Task<Answer> reset_password(Context& context, Call call);
Task<Answer> make_console_link(Context& context, Call call);
Task<Answer> make_reset_link(Context& context, Call call);
Task<Answer> begin_second_factor(Context& context, Call call);
Task<Answer> confirm_second_factor(Context& context, Call call);
Task<Answer> end_second_factor(Context& context, Call call);
Task<Answer> remove_second_factor(Context& context, Call call);
/// Who did what (orders.cc).
Task<Answer> list_audit(Context& context, Call call);

Task<Answer> list_rights(Context& context, Call call);
Task<Answer> add_right(Context& context, Call call);
Task<Answer> remove_right(Context& context, Call call);
Task<Answer> list_tokens(Context& context, Call call);
Task<Answer> add_token(Context& context, Call call);
Task<Answer> remove_token(Context& context, Call call);

Task<Answer> list_domains(Context& context, Call call);
Task<Answer> add_domain(Context& context, Call call);
Task<Answer> show_domain(Context& context, Call call);
Task<Answer> change_domain(Context& context, Call call);
Task<Answer> remove_domain(Context& context, Call call);

/// The records that a domain needs in the DNS (records.cc).
Task<Answer> domain_records(Context& context, Call call);
/// A profile with which programs of Apple set up an account (records.cc).
Task<Answer> account_profile(Context& context, Call call);
Task<Answer> account_setup(Context& context, Call call);
/// Those that are ordered (certificates.cc).
Task<Answer> list_certificates(Context& context, Call call);
Task<Answer> renew_certificate(Context& context, Call call);
Task<Answer> rotate_certificate_key(Context& context, Call call);
Task<Answer> list_dkim_keys(Context& context, Call call);
Task<Answer> create_dkim_keys(Context& context, Call call);
Task<Answer> rotate_dkim_keys(Context& context, Call call);
Task<Answer> activate_dkim_keys(Context& context, Call call);
Task<Answer> retire_dkim_key(Context& context, Call call);
Task<Answer> retire_dkim_keys(Context& context, Call call);

Task<Answer> list_accounts(Context& context, Call call);
Task<Answer> add_account(Context& context, Call call);
Task<Answer> show_account(Context& context, Call call);
Task<Answer> change_account(Context& context, Call call);
/// Gives the account a new password, in memory only: whoever keeps it ends its sessions.
Task<Found<>> make_password(Context& context, store::Account& account, std::string password);
Task<Answer> set_password(Context& context, Call call);
Task<Answer> remove_account(Context& context, Call call);
Task<Answer> show_limits(Context& context, Call call);
Task<Answer> change_limits(Context& context, Call call);
/// What an account may send and has sent, for `account show`.
Task<Found<json::array>> present_limits(Context& context, store::Id account);
Task<Answer> list_suspicions(Context& context, Call call);
Task<Answer> suspect_account(Context& context, Call call);
Task<Answer> clear_suspicion(Context& context, Call call);
/// The account's mark, for `account show`; nothing when it has none.
Task<Found<std::optional<json::object>>> present_suspicion(Context& context, store::Id account);
Task<Answer> show_listed(Context& context, Call call);
Task<Answer> put_listed(Context& context, Call call);
Task<Answer> drop_listed(Context& context, Call call);
Task<Answer> list_app_passwords(Context& context, Call call);
Task<Answer> add_app_password(Context& context, Call call);
Task<Answer> remove_app_password(Context& context, Call call);

Task<Answer> list_aliases(Context& context, Call call);
Task<Answer> add_alias(Context& context, Call call);
Task<Answer> show_alias(Context& context, Call call);
Task<Answer> change_alias(Context& context, Call call);
Task<Answer> remove_alias(Context& context, Call call);

Task<Answer> list_queue(Context& context, Call call);
Task<Answer> show_queued(Context& context, Call call);
Task<Answer> retry_queued(Context& context, Call call);
Task<Answer> hold_queued(Context& context, Call call);
Task<Answer> rebind_queued(Context& context, Call call);
Task<Answer> release_queued(Context& context, Call call);
Task<Answer> cancel_queued(Context& context, Call call);
Task<Answer> count_queued(Context& context, Call call);
Task<Answer> list_destinations(Context& context, Call call);
Task<Answer> why_queued(Context& context, Call call);
Task<Answer> list_suspended(Context& context, Call call);
Task<Answer> suspend_mail(Context& context, Call call);
Task<Answer> resume_mail(Context& context, Call call);
Task<Answer> list_sites(Context& context, Call call);
Task<Answer> show_site(Context& context, Call call);
Task<Answer> pause_site(Context& context, Call call);
Task<Answer> resume_site(Context& context, Call call);
Task<Answer> forget_site(Context& context, Call call);
Task<Answer> list_providers(Context& context, Call call);
Task<Answer> show_provider(Context& context, Call call);
Task<Answer> test_reply(Context& context, Call call);
Task<Answer> forget_provider(Context& context, Call call);

/// Says whose the message is that was submitted, and of whatever lies in a mailbox, in whose: the address it came to
/// may be an alias, or of an alias domain. An account that was removed since has no name.
Task<void> name_accounts(Context& context, const store::WorkItem& item, json::object& shown);
/// All that is said of a message beside what its rows hold: the names of accounts, what of it is held and whose that is
/// to release, and what became of each recipient in words.
Task<Found<>> complete(Context& context, const Asker& asker, const store::WorkItem& item, json::object& shown);
/// What became of each recipient, as a sentence: `words` (words.cc).
void put_in_words(json::object& message);
Task<Answer> find_messages(Context& context, Call call);
/// What is in a message, for whose it is (content.cc).
Task<Answer> show_content(Context& context, Call call);
Task<Answer> trace_message(Context& context, Call call);

/// What is wrong, and why (doctor.cc).
Task<Answer> examine_server(Context& context, Call call);
Task<Answer> begin_doctors_round(Context& context, Call call);
Task<Answer> examine_domain(Context& context, Call call);
Task<Answer> examine_account(Context& context, Call call);
Task<Answer> examine_client(Context& context, Call call);
Task<Answer> list_attempts(Context& context, Call call);

Task<Answer> list_dmarc_reports(Context& context, Call call);
Task<Answer> explain_tls(Context& context, Call call);
Task<Answer> sum_dmarc_reports(Context& context, Call call);
Task<Answer> sum_tls_reports(Context& context, Call call);

/// What a running server shows of itself (today.cc, connections.cc).
Task<Answer> show_today(Context& context, Call call);
Task<Answer> show_traffic(Context& context, Call call);
Task<Answer> list_connections(Context& context, Call call);
Task<Answer> show_connection(Context& context, Call call);
Task<Answer> end_connection(Context& context, Call call);
Task<Answer> list_configuration(Context& context, Call call);

/// What is held, by whose it is (held.cc).
Task<Answer> release_held(Context& context, Call call);
Task<Answer> drop_held(Context& context, Call call);
/// An order to the queue of the running server, else to the store (queue.cc).
Task<Result<std::size_t>> order_queue(Context& context, store::QueueAction action, store::QueueFilter filter,
                                      std::string who);
/// Whether mail for an address comes into the mailbox of this account, and goes nowhere else.
Task<Found<bool>> leads_only_to(Context& context, std::string address, store::Id account);
/// Says of the recipients that are held why, and whether whoever asks may release them.
Task<Found<>> mark_held(Context& context, const Asker& asker, const store::WorkItem& item, json::object& shown);

Task<Answer> begin_upload(Context& context, Call call);
Task<Answer> append_upload(Context& context, Call call);
Task<Answer> drop_upload(Context& context, Call call);
Task<Answer> was_imported(Context& context, Call call);
Task<Answer> import_message(Context& context, Call call);
Task<Answer> import_folder(Context& context, Call call);
Task<Answer> export_folders(Context& context, Call call);
Task<Answer> export_messages(Context& context, Call call);
Task<Answer> export_content(Context& context, Call call);

/// What happens (events.cc), and who is told of it as it does (hooks.cc).
Task<Answer> list_events(Context& context, Call call);
Task<Answer> list_hooks(Context& context, Call call);
Task<Answer> add_hook(Context& context, Call call);
Task<Answer> show_hook(Context& context, Call call);
Task<Answer> change_hook(Context& context, Call call);
Task<Answer> remove_hook(Context& context, Call call);
Task<Answer> test_hook(Context& context, Call call);
Task<Answer> replay_hook(Context& context, Call call);

/// Whom programs send nothing to any more (suppressions.cc).
Task<Answer> list_suppressions(Context& context, Call call);
Task<Answer> add_suppression(Context& context, Call call);
Task<Answer> show_suppression(Context& context, Call call);
Task<Answer> remove_suppression(Context& context, Call call);

/// Mail that programs hand in (send.cc).
Task<Answer> send_message(Context& context, Call call);

Task<Answer> show_status(Context& context, Call call);
Task<Answer> show_metrics(Context& context, Call call);
Task<Answer> show_search(Context& context, Call call);
Task<Answer> rebuild_search(Context& context, Call call);
Task<Answer> go_on_with_search(Context& context, Call call);
Task<Answer> reload(Context& context, Call call);
Task<Answer> forget_resolvers(Context& context, Call call);
Task<Answer> forget_resolver(Context& context, Call call);
Task<Answer> confirm_clock(Context& context, Call call);

} // namespace paquebot::control
