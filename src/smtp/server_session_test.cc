// What the dialogues of tests/dialogs can't show: questions, deadlines, facts, buffers.

#include "smtp/server_session.h"
#include "smtp/verbs.h"

#include <gtest/gtest.h>
#include <set>

namespace paquebot::smtp {
namespace {

/// Drives a session; answers every question with 250 unless told otherwise.
struct Driver {
  explicit Driver(ServerOptions options = {})
      : session(std::make_shared<const ServerOptions>(fixed(options)), {"192.0.2.1", false}) {
    run();
  }
  static ServerOptions fixed(ServerOptions options) {
    if (options.hostname.empty()) options.hostname = "mx.example.test";
    return options;
  }

  /// Performs actions until input, TLS or the end, or until a question of type Stop.
  template <class Stop = Close>
  Action run() {
    for (;;) {
      const Action action = session.next();
      if (const auto* send = std::get_if<Send>(&action)) {
        output += send->bytes;
        ++writes;
      } else if (const auto* chunk = std::get_if<Chunk>(&action)) {
        content += chunk->bytes;
        if (refuse_at_chunk) session.refuse_content({452, {4, 3, 1}, "no room"});
      } else if (std::holds_alternative<Discard>(action)) {
        ++discards;
      } else if (std::holds_alternative<NeedInput>(action) || std::holds_alternative<StartTls>(action) ||
                 std::holds_alternative<Close>(action) || std::holds_alternative<Stop>(action)) {
        return action;
      } else {
        session.answer(id_of(action), mail::Reply{250, {}, ""});
      }
    }
  }
  template <class Stop = Close>
  Action say(const std::string& bytes) {
    kept = bytes;
    session.feed(kept);
    return run<Stop>();
  }
  static std::uint32_t id_of(const Action& action) {
    return std::visit(
        [](const auto& what) -> std::uint32_t {
          if constexpr (requires { what.id; }) return what.id;
          return 0;
        },
        action);
  }
  std::string take() { return std::exchange(output, {}); }

  ServerSession session;
  std::string output, content, kept;
  int discards = 0, writes = 0;
  bool refuse_at_chunk = false;
};

const std::string kEnvelope = "EHLO x\r\nMAIL FROM:<a@other.example>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n";

TEST(SmtpServer, AnswersAPipelineInOneWrite) {
  Driver driver;
  driver.say("EHLO x\r\n");
  driver.writes = 0;
  driver.take();
  driver.say("MAIL FROM:<a@other.example>\r\nRCPT TO:<b@example.test>\r\nRCPT TO:<c@example.test>\r\nDATA\r\n");
  EXPECT_EQ(driver.writes, 1);
  EXPECT_EQ(driver.take(), "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n250 2.1.5 recipient ok\r\n354 end data "
                           "with <CR><LF>.<CR><LF>\r\n");
}

TEST(SmtpServer, BoundsRepliesKept) {
  Driver driver;
  driver.writes = 0;
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "HELO x\r\n";
  driver.say(many);
  EXPECT_GT(driver.writes, 4);
}

TEST(SmtpServer, IgnoresAnswersThatComeLate) {
  Driver driver;
  driver.say("EHLO x\r\n");
  const Action first = driver.say<AskMail>("MAIL FROM:<a@other.example>\r\n");
  const std::uint32_t id = std::get<AskMail>(first).id;
  driver.session.answer(id + 1, mail::Reply{550, {}, "no"});
  driver.session.answer(id - 1, mail::Reply{550, {}, "no"});
  EXPECT_TRUE(std::holds_alternative<AskMail>(driver.session.next())) << "put again until answered";
  driver.session.answer(id, mail::Reply{250, {}, ""});
  driver.session.answer(id, mail::Reply{550, {}, "no"});
  driver.take();
  driver.run();
  EXPECT_EQ(driver.take(), "250 2.1.0 sender ok\r\n");
}

TEST(SmtpServer, KnowsTheFacts) {
  Driver driver;
  driver.say("EHLO client.example\r\nMAIL FROM:<a@other.example> SIZE=12\r\nRCPT TO:<b@example.test> NOTIFY=NEVER\r\n");
  EXPECT_EQ(driver.session.helo(), "client.example");
  EXPECT_TRUE(driver.session.extended());
  EXPECT_EQ(driver.session.sender().declared_size, 12U);
  ASSERT_EQ(driver.session.recipients().size(), 1U);
  EXPECT_EQ(driver.session.recipients()[0].notify, mail::kNotifyNever);
  const Action ask = driver.say<AskContent>("DATA\r\nhello\r\n.\r\n");
  EXPECT_TRUE(std::holds_alternative<AskContent>(ask));
  EXPECT_EQ(driver.content, "hello\r\n");
  EXPECT_EQ(driver.session.recipients().size(), 1U) << "still there while the content is judged";
  driver.run();
  EXPECT_EQ(driver.session.messages(), 1U);
  EXPECT_TRUE(driver.session.recipients().empty());
  EXPECT_EQ(driver.discards, 0);
}

TEST(SmtpServer, DeadlinesCoverAWholeCommandAndAWholeMessage) {
  ServerOptions options;
  options.command_timeout = std::chrono::seconds(11);
  options.data_timeout = std::chrono::seconds(22);
  options.message_timeout = std::chrono::seconds(33);
  Driver driver(options);
  const auto first = std::get<NeedInput>(driver.say("EH"));
  const auto second = std::get<NeedInput>(driver.say("LO"));
  EXPECT_EQ(first.window, second.window) << "an octet now and then holds nothing up";
  EXPECT_EQ(first.within, std::chrono::seconds(11));
  EXPECT_EQ(first.total.count(), 0);
  const auto third = std::get<NeedInput>(driver.say(" x\r\n"));
  EXPECT_NE(second.window, third.window);
  const auto data = std::get<NeedInput>(driver.say(kEnvelope.substr(8)));
  EXPECT_EQ(data.within, std::chrono::seconds(22));
  EXPECT_EQ(data.total, std::chrono::seconds(33));
  const auto more = std::get<NeedInput>(driver.say("x\r\n"));
  EXPECT_NE(data.window, more.window) << "progress";
  EXPECT_EQ(data.total_window, more.total_window);
  const auto next = std::get<NeedInput>(driver.say(".\r\n"));
  EXPECT_EQ(next.within, std::chrono::seconds(11));
  const auto again = std::get<NeedInput>(driver.say(kEnvelope));
  EXPECT_NE(again.total_window, data.total_window);
}

TEST(SmtpServer, ContentIsNotCopied) {
  Driver driver;
  driver.say(kEnvelope);
  const std::string bytes = "Subject: x\r\n\r\nbody\r\n";
  driver.session.feed(bytes);
  const Action action = driver.session.next();
  EXPECT_EQ(std::get<Chunk>(action).bytes.data(), bytes.data());
  EXPECT_EQ(std::get<Chunk>(action).bytes.size(), bytes.size());
}

TEST(SmtpServer, TheOutsideMayRefuseContentInItsMidst) {
  Driver driver;
  driver.say(kEnvelope);
  driver.refuse_at_chunk = true;
  driver.take();
  driver.say("some\r\n");
  EXPECT_EQ(driver.discards, 1);
  driver.say("more\r\n.\r\n");
  EXPECT_EQ(driver.take(), "452 4.3.1 no room\r\n");
  EXPECT_EQ(driver.content, "some\r\n");
  EXPECT_EQ(driver.discards, 1);
}

TEST(SmtpServer, AVerdictOnContentIsAwaitedThoughThePeerIsGone) {
  for (const bool accepted : {true, false}) {
    Driver driver;
    driver.say(kEnvelope);
    const Action ask = driver.say<AskContent>("hello\r\n.\r\n");
    driver.session.eof();
    driver.session.timed_out();
    ASSERT_TRUE(std::holds_alternative<AskContent>(driver.session.next()));
    driver.take();
    driver.session.answer(std::get<AskContent>(ask).id,
                          mail::Reply{static_cast<std::uint16_t>(accepted ? 250 : 451), {}, ""});
    EXPECT_TRUE(std::holds_alternative<Close>(driver.run()));
    EXPECT_EQ(driver.take(), "") << "nobody is there to hear it";
    EXPECT_EQ(driver.discards, accepted ? 0 : 1);
  }
}

TEST(SmtpServer, OtherQuestionsAreForgottenWhenThePeerIsGone) {
  Driver driver;
  driver.say("EHLO x\r\n");
  driver.say<AskMail>("MAIL FROM:<a@other.example>\r\n");
  driver.session.eof();
  EXPECT_TRUE(std::holds_alternative<Close>(driver.run()));
}

TEST(SmtpServer, ShutsDownBetweenCommandsOnly) {
  Driver idle;
  idle.take();
  idle.session.shut_down();
  EXPECT_TRUE(std::holds_alternative<Close>(idle.run()));
  EXPECT_EQ(idle.take(), "421 4.3.2 the server is going down; try again soon\r\n");

  Driver busy;
  busy.say(kEnvelope);
  busy.session.shut_down();
  busy.take();
  EXPECT_TRUE(std::holds_alternative<NeedInput>(busy.run())) << "content goes on";
  EXPECT_TRUE(std::holds_alternative<Close>(busy.say("x\r\n.\r\nNOOP\r\n")));
  EXPECT_EQ(busy.take(), "250 2.0.0 accepted\r\n421 4.3.2 the server is going down; try again soon\r\n");
}

TEST(SmtpServer, LogsOutBetweenCommandsOnly) {
  Driver idle;
  idle.say("EHLO x\r\n");
  idle.take();
  idle.session.log_out();
  EXPECT_TRUE(std::holds_alternative<Close>(idle.say("NOOP\r\n")));
  EXPECT_EQ(idle.take(), "421 4.7.0 your account was changed; log in again\r\n");
}

TEST(SmtpServer, DropsWhatWasInjectedBehindStartTls) {
  ServerOptions options;
  options.tls_available = true;
  Driver driver(options);
  EXPECT_TRUE(std::holds_alternative<StartTls>(driver.say("EHLO x\r\nSTARTTLS\r\nRSET\r\nNO")));
  EXPECT_FALSE(driver.session.has_input());
  driver.take();
  driver.session.tls_started("", "");
  EXPECT_TRUE(std::holds_alternative<NeedInput>(driver.run()));
  EXPECT_EQ(driver.take(), "");
  driver.say("NOOP\r\n");
  EXPECT_EQ(driver.take(), "250 2.0.0 ok\r\n") << "no beginning of a line is left either";
}

TEST(SmtpServer, FillsInCodesAndTexts) {
  Driver driver;
  driver.say("EHLO x\r\n");
  driver.take();
  for (const auto& [code, expected] :
       {std::pair{451, "451 4.0.0 not now; try again later\r\n"}, std::pair{550, "550 5.0.0 refused\r\n"}}) {
    const Action ask = driver.say<AskMail>("MAIL FROM:<a@other.example>\r\n");
    driver.session.answer(std::get<AskMail>(ask).id, mail::Reply{static_cast<std::uint16_t>(code), {}, ""});
    driver.run();
    EXPECT_EQ(driver.take(), expected);
  }
}

TEST(SmtpServer, EveryVerbHasItsRow) {
  std::set<std::string_view> names;
  for (const Verb& verb : all_verbs()) {
    EXPECT_TRUE(names.insert(verb.name).second) << verb.name << " has two rows";
    EXPECT_EQ(find_verb(verb.name), &verb);
    // A verb that may not come in every state says what is wrong.
    EXPECT_TRUE((verb.states & kGreeted) == kGreeted || !verb.wrong_state.empty()) << verb.name;
  }
  EXPECT_EQ(find_verb("mail"), find_verb("MAIL"));
  EXPECT_EQ(find_verb(""), nullptr);
}

TEST(SmtpServer, DeadlinesCoverAChunkAndAllChunks) {
  Driver driver;
  driver.say("EHLO x\r\nMAIL FROM:<a@other.example>\r\nRCPT TO:<b@example.test>\r\n");
  const auto first = std::get<NeedInput>(driver.say("BDAT 3\r\na"));
  EXPECT_EQ(first.within, ServerOptions{}.data_timeout);
  EXPECT_EQ(first.total, ServerOptions{}.message_timeout);
  const auto more = std::get<NeedInput>(driver.say("b"));
  EXPECT_NE(more.window, first.window); // progress
  EXPECT_EQ(more.total_window, first.total_window);
  const auto between = std::get<NeedInput>(driver.say("c"));
  EXPECT_EQ(between.within, ServerOptions{}.command_timeout);
  EXPECT_EQ(between.total_window, first.total_window);
  const auto second = std::get<NeedInput>(driver.say("BDAT 3 LAST\r\n"));
  EXPECT_EQ(second.total_window, first.total_window);                   // the whole message's
  EXPECT_EQ(std::get<NeedInput>(driver.say("d\r\n")).total.count(), 0); // a command is awaited
  driver.say("MAIL FROM:<a@other.example>\r\nRCPT TO:<b@example.test>\r\n");
  EXPECT_NE(std::get<NeedInput>(driver.say("BDAT 3\r\n")).total_window, first.total_window);
}

TEST(SmtpServer, TheOutsideMayRefuseAChunkInItsMidst) {
  Driver driver;
  driver.refuse_at_chunk = true;
  driver.say("EHLO x\r\nMAIL FROM:<a@other.example>\r\nRCPT TO:<b@example.test>\r\nBDAT 4\r\n");
  driver.take();
  driver.say("ab");
  EXPECT_EQ(driver.take(), ""); // nothing is said before the chunk was read
  driver.say("QQBDAT 4 LAST\r\nQUIT");
  EXPECT_EQ(driver.take(), "452 4.3.1 no room\r\n452 4.3.1 no room\r\n");
  EXPECT_EQ(driver.content, "ab");
  EXPECT_EQ(driver.discards, 1);
}

} // namespace
} // namespace paquebot::smtp
