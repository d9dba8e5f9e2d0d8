// For interop_test.py: lets src/mailauth verify, sign and check on files.
//
//   mailauth_tool keys FOLDER             makes FOLDER/rsa.pem, FOLDER/ed25519.pem and FOLDER/zone
//   mailauth_tool sign FOLDER FILE...     writes FILE.signed (both keys) and FILE.sealed (ARC with the RSA key)
//   mailauth_tool verify ZONE FILE...     a line for each file: its DKIM results, and that of ARC
//   mailauth_tool spf ZONE                reads lines "IP HELO LOCAL DOMAIN", answers each with the result

#include "base/clock.h"
#include "dns/fake_zone.h"
#include "mailauth/arc.h"
#include "mailauth/dkim_sign.h"
#include "mailauth/dkim_verify.h"
#include "mailauth/spf.h"
#include "net/test_support.h"

#include <fstream>
#include <iostream>
#include <sstream>

using namespace paquebot;
using namespace paquebot::mailauth;

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("can't read " + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

struct Message {
  mail::Head head;
  std::string body;
};

Message message_of(const std::string& text) {
  const auto end = text.find("\r\n\r\n");
  return {*mail::Head::parse(text.substr(0, end == std::string::npos ? end : end + 2)),
          end == std::string::npos ? "" : text.substr(end + 4)};
}

int make_keys(const std::string& folder) {
  std::string zone;
  for (const auto kind : {KeyKind::rsa, KeyKind::ed25519}) {
    const auto key = PrivateKey::generate(kind);
    const std::string name(to_string(kind));
    write(folder + "/" + name + ".pem", key.to_pem());
    zone += dkim_key_name(name, "ours.test") + " TXT \"" + dkim_record_of(key) + "\"\n";
  }
  write(folder + "/zone", zone);
  return 0;
}

std::shared_ptr<const SigningKey> load(const std::string& folder, const std::string& name) {
  return std::make_shared<const SigningKey>(
      SigningKey{"ours.test", name, *PrivateKey::from_pem(read(folder + "/" + name + ".pem"))});
}

int sign(const std::string& folder, int count, char** files) {
  const auto rsa = load(folder, "rsa");
  const auto ed25519 = load(folder, "ed25519");
  for (int i = 0; i < count; ++i) {
    const std::string text = read(files[i]);
    const auto m = message_of(text);
    DkimSigner signer;
    signer.body(m.body);
    write(std::string(files[i]) + ".signed", *signer.finish(m.head, {rsa, ed25519}, system_clock().wall()) + text);
    ArcSealer sealer;
    sealer.body(m.body);
    write(std::string(files[i]) + ".sealed",
          *sealer.finish(m.head, {}, *rsa, "ours.test; none", system_clock().wall()) + text);
  }
  return 0;
}

int verify(const std::string& zone_file, int count, char** files) {
  const auto zone = dns::FakeZone::parse(read(zone_file));
  DkimKeyCache cache;
  net::test::Loop loop;
  for (int i = 0; i < count; ++i) {
    const auto m = message_of(read(files[i]));
    DkimVerifier dkim(m.head, system_clock().wall());
    ArcVerifier arc(m.head);
    constexpr std::size_t chunk = 777;
    for (std::size_t at = 0; at < m.body.size(); at += chunk) {
      dkim.body(std::string_view(m.body).substr(at, chunk));
      arc.body(std::string_view(m.body).substr(at, chunk));
    }
    for (const auto& verdict : loop.run(dkim.finish(*zone, cache))) std::cout << to_string(verdict.result) << " ";
    std::cout << "arc=" << to_string(loop.run(arc.finish(*zone, cache)).result) << "\n";
  }
  return 0;
}

int spf(const std::string& zone_file) {
  const auto zone = dns::FakeZone::parse(read(zone_file));
  const SpfLimits limits;
  net::test::Loop loop;
  std::string ip, helo, local, domain;
  while (std::cin >> ip >> helo >> local >> domain) {
    const auto question = spf_question_for_sender(*parse_ip(ip), helo, {local, domain}, "here.test");
    std::cout << to_string(loop.run(check_spf(question, *zone, system_clock(), limits)).result) << "\n";
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  if (mode == "keys") return make_keys(argv[2]);
  if (mode == "sign") return sign(argv[2], argc - 3, argv + 3);
  if (mode == "verify") return verify(argv[2], argc - 3, argv + 3);
  if (mode == "spf") return spf(argv[2]);
  std::cerr << "usage: see the head of mailauth_tool.cc\n";
  return 2;
}
