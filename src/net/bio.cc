#include "net/bio.h"

#include <cerrno>
#include <sys/socket.h>

namespace paquebot::net {

namespace {

Socket& socket_of(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }

bool may_retry() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(socket_of(bio).descriptor, bytes, size, MSG_NOSIGNAL);
  if (sent < 0) {
    if (may_retry()) BIO_set_retry_write(bio);
    return 0;
  }
  *written = static_cast<std::size_t>(sent);
  return 1;
}

int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const auto received = ::recv(socket_of(bio).descriptor, into, size, 0);
  if (received > 0) {
    *got = static_cast<std::size_t>(received);
    return 1;
  }
  if (received == 0) socket_of(bio).at_end = true;
  if (received < 0 && may_retry()) BIO_set_retry_read(bio);
  return 0;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return socket_of(bio).at_end ? 1 : 0;
  return 0;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
  BIO_meth_set_write_ex(method, bio_write);
  BIO_meth_set_read_ex(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  return method;
}

} // namespace

BIO* make_socket_bio(Socket& socket) {
  static BIO_METHOD* const method = make_method(); // as long as the process: BIOs refer to it
  BIO* bio = BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  return bio;
}

} // namespace paquebot::net
