#include "app/doctor/doctor.h"

namespace scoria::app::doctor {
namespace {

using enum Check::Of;

constexpr Check every[] = {
    {"paths", "state_path and the directories of file backends are there and can be written", host, host_paths},
    {"space", "their file systems have room: a twentieth and 256 MiB", host, host_space},
    {"secrets", "files with secrets are open to their owner alone", host, host_secrets},
    {"programs", "programs and devices that exports need are there", host, host_programs},
    {"address", "the addresses that hosts are told are addresses of this machine", host, host_address},
    {"descriptors", "as many files may be open as there may be connections and exports", host, host_descriptors},
    {"certificate", "the certificate of the API can be read, fits its key and is valid for two weeks more", host, host_certificate},
    {"policy", "the policy file can be read and says what it means", host, host_policy},
    {"faults", "no faults are injected", host, host_faults},
    {"keystone", "Keystone answers, where it decides who may come in", host, host_keystone},
    {"database", "the database answers, in time, with the schema that this program wants", host, host_database},
    {"clock", "the machine's clock is that of the database, to a second", host, host_clock},
    {"sealing_key", "the key that seals secrets is the same on all nodes", host, host_sealing_key},
    {"database_settings", "a commit that was answered survives a crash of the database", deployment, database_settings},
    {"standby", "a standby, where there is one, confirms commits before they are answered", deployment, database_standby},
    {"services", "what was started is alive or was stopped in good order", deployment, services_down},
    {"storage", "every node reaches the storage of its backends", deployment, services_storage},
    {"versions", "all nodes are of one release", deployment, services_versions},
    {"backends", "each backend that holds volumes is served by somebody", deployment, backends_unserved},
    {"operations", "no operation is dead, overdue, or waits for a node that nobody runs", deployment, operations_stuck},
    {"findings", "storage, hosts and database agree", deployment, findings_told},
    {"invariants", "what must hold of the database holds", deployment, invariants_broken},
};

}  // namespace

std::span<const Check> checks() { return every; }

std::string reference() {
  std::string out =
      "# The doctor\n\n`scoria doctor` (administrators) says what is wrong anywhere in a deployment, and what to do about it. Each node looks at its own machine\n"
      "and configuration every `self_check_interval` and leaves what it found in the database; the node that is asked looks at once, adds what the\n"
      "others said, and what the database knows of all. Exit code 1 if there is something, `-o json` for programs (`GET /scoria/v1/doctor`). When nobody\n"
      "answers, or with `--config-file`, `--config-dir` or `--set`, it looks from this machine by its configuration.\n\n"
      "Of a healthy deployment it says nothing. What it looks for (`tests/functional/test_doctor.py` plants the faults one by one):\n\n"
      "| check | of | holds when |\n|---|---|---|\n";
  for (const Check& check : every) out += fmt::format("| `{}` | {} | {} |\n", check.name, check.of == host ? "each host" : "the deployment", check.what);
  return out;
}

Diagnoses examine(const Patient& patient, Check::Of of) {
  Diagnoses out;
  for (const Check& check : every) {
    if (check.of != of) continue;
    const std::size_t before = out.size();
    try {
      check.run(patient, out);
    } catch (const std::exception& failure) {
      out.push_back({{}, {}, fmt::format("This could not be looked at: {}.", failure.what()), "Look at that first."});
    }
    for (std::size_t i = before; i < out.size(); ++i) out[i].check = check.name;
  }
  return out;
}

void write(json::Writer& out, const Diagnosis& one) {
  out.begin_object().field("check", std::string_view{one.check}).field("subject", std::string_view{one.subject});
  out.field("text", std::string_view{one.text}).field("fix", std::string_view{one.fix}).end_object();
}

std::string to_json(const Diagnoses& all_of_them) {
  json::Writer out;
  out.begin_array();
  for (const Diagnosis& one : all_of_them) write(out, one);
  return out.end_array().take();
}

}  // namespace scoria::app::doctor
