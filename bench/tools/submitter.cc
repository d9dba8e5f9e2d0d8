// Submits messages with TLS and a login for each of them, from some threads, and prints one line of JSON.
//
//   submitter --to 127.0.0.1:587 --tls starttls|implicit --user u@d --password x --from u@d --rcpt v@d
//             --threads 10 --messages 1000 --size 4096 --resume 1
//
// --resume 1 keeps the last TLS session of each thread and offers it to the next connection.

#include "line_socket.h"
#include "options.h"

#include <atomic>
#include <exception>
#include <openssl/evp.h>
#include <thread>
#include <vector>

namespace paquebot::bench {
namespace {

struct Job {
  std::string to, tls, login, from, rcpt, content;
  bool resume = false;
};

void expect(LineSocket& peer, char first) {
  for (;;) {
    const auto line = peer.line();
    if (line.size() < 3 || line[0] != first) throw std::runtime_error("refused: " + std::string(line));
    if (line.size() == 3 || line[3] != '-') return;
  }
}

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// A thread's connections, one after the other, and the TLS session it keeps between them.
class Client {
public:
  explicit Client(const Job& job) : job_(job), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_, this);
    // TLS 1.3 sends its tickets after the handshake: they come through this callback only.
    SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* session) {
      static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->keep(session);
      return 1;
    });
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    keep(nullptr);
    SSL_CTX_free(context_);
  }

  void submit() {
    LineSocket peer(job_.to);
    if (job_.tls == "starttls") {
      expect(peer, '2');
      say(peer, "EHLO client.bench.test", '2');
      say(peer, "STARTTLS", '2');
    }
    if (peer.start_tls(context_, job_.resume ? session_ : nullptr)) ++resumed_;
    if (job_.tls == "implicit") expect(peer, '2');
    say(peer, "EHLO client.bench.test", '2');
    say(peer, "AUTH PLAIN " + job_.login, '2');
    say(peer, "MAIL FROM:<" + job_.from + ">", '2');
    say(peer, "RCPT TO:<" + job_.rcpt + ">", '2');
    say(peer, "DATA", '3');
    peer.write(job_.content);
    expect(peer, '2');
    say(peer, "QUIT", '2');
  }
  long resumed() const { return resumed_; }

private:
  static void say(LineSocket& peer, const std::string& command, char answer) {
    peer.write(command + "\r\n");
    expect(peer, answer);
  }
  void keep(SSL_SESSION* session) {
    SSL_SESSION_free(session_);
    session_ = session;
  }

  const Job& job_;
  SSL_CTX* context_;
  SSL_SESSION* session_ = nullptr;
  long resumed_ = 0;
};

std::string content(const std::string& from, long size) {
  std::string text = "From: <" + from + ">\r\nSubject: submitted\r\n\r\n";
  while (static_cast<long>(text.size()) < size) text += std::string(76, 'x') + "\r\n";
  return text + ".\r\n";
}

int main(const Options& options) {
  const auto user = options.text("user", "");
  Job job;
  job.to = options.text("to", "127.0.0.1:587");
  job.tls = options.text("tls", "starttls");
  job.login = base64(std::string(1, '\0') + user + std::string(1, '\0') + options.text("password", ""));
  job.from = options.text("from", user);
  job.rcpt = options.text("rcpt", user);
  job.content = content(job.from, options.number("size", 4096));
  job.resume = options.number("resume", 0) != 0;
  std::atomic<long> left = options.number("messages", 100), resumed = 0, sent = 0;
  std::atomic<int> failures = 0;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (long i = options.number("threads", 1); i > 0; --i) {
    threads.emplace_back([&] {
      try {
        Client client(job);
        while (left.fetch_sub(1) > 0) {
          client.submit();
          ++sent;
        }
        resumed += client.resumed();
      } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::cout << "{\"messages\": " << sent << ", \"seconds\": " << seconds_since(start) << ", \"resumed\": " << resumed
            << "}\n";
  return failures == 0 ? 0 : 1;
}

} // namespace
} // namespace paquebot::bench

int main(int count, char** words) { return paquebot::bench::main(paquebot::bench::Options(count, words)); }
