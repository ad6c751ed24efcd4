#include "config/options/exports.h"

namespace scoria::config {
namespace {

std::string mode_problem(const std::string& text) {
  const bool octal = text.size() == 4 && text.front() == '0' && text.find_first_not_of("01234567") == std::string::npos;
  return octal ? "" : "is not a mode of four octal digits, such as 0660";
}

}  // namespace

void ExportOptions::declare(Fields& fields) {
  fields.section("exports", "How hosts reach volumes.");
  fields.add("state_directory", &state_directory,
             "Directory for the sockets and records of export daemons; its name is short (60 characters), and it may be lost: /run/scoria is a good one.");
  fields.add("nbd_listen_address", &nbd_listen_address, "Address that NBD exports over TCP listen on.").host();
  fields.add("nbd_first_port", &nbd_first_port, "First port of NBD exports over TCP, one for each attachment.").at_least(1);
  fields.add("nbd_last_port", &nbd_last_port, "Last port of NBD exports over TCP.").at_least(1);
  fields.add("nbd_socket_mode", &nbd_socket_mode, "Who may open the sockets of NBD exports on this machine.").checked(mode_problem);
  fields.add("nbd_tls_directory", &nbd_tls_directory,
             "Directory with ca-cert.pem, server-cert.pem and server-key.pem, or with keys.psk: NBD over TCP is then TLS only. Empty: no TLS.");
  fields.add("portals", &portals,
             "Addresses that exports of a cluster keep when they move from a machine that dies to another, the same list on all its nodes: "
             "10.0.0.9/24@eth0 is put on that interface, 10.0.0.9 alone is brought by portal_command or is there. Empty: exports stay where they are.");
  fields.add("portal_command", &portal_command,
             "Run as `COMMAND up ADDRESS` and `COMMAND down ADDRESS` in place of `ip address add` and `del`, and as `COMMAND fence HOST`, which must return "
             "0 only when nothing that HOST exports can be written any more. Empty: none.");
  fields.add("nbd_tls_verify_peer", &nbd_tls_verify_peer, "Clients of NBD over TLS need a certificate of that authority.");
}

}  // namespace scoria::config
