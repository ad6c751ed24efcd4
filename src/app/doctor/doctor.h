#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/seal.h"
#include "config/config.h"
#include "db/database.h"
#include "json/writer.h"

/// What is wrong with a deployment that serves, or should, and what to do about it. A healthy one has no diagnosis. A check
/// only looks: it repairs nothing, and ends within seconds.
namespace scoria::app::doctor {

struct Diagnosis {
  std::string check;    // its name: "clock"
  std::string subject;  // host, backend, file … that it is about
  std::string text;     // a sentence: what is wrong
  std::string fix;      // a sentence: what to do
};
using Diagnoses = std::vector<Diagnosis>;

/// What a check may look at.
struct Patient {
  const config::Config& config;
  Clock& clock;
  db::Database* database = nullptr;  // nothing: it cannot be had
  Sealer* sealer = nullptr;          // nothing: it cannot be had
};

struct Check {
  enum class Of {
    host,        // this machine and the configuration of its node: each node looks for itself
    deployment,  // what the database knows: one look is enough
  };
  std::string_view name, what;
  Of of;
  void (*run)(const Patient& patient, Diagnoses& out);
};

/// Every check there is: docs/reference/doctor.md is made from it.
std::span<const Check> checks();

/// The page about them.
std::string reference();

/// Runs the checks of that kind. One that fails is a diagnosis itself.
Diagnoses examine(const Patient& patient, Check::Of of);

void write(json::Writer& out, const Diagnosis& one);
std::string to_json(const Diagnoses& all);

// The checks, by what they look at.
void host_paths(const Patient& patient, Diagnoses& out);
void host_space(const Patient& patient, Diagnoses& out);
void host_secrets(const Patient& patient, Diagnoses& out);
void host_programs(const Patient& patient, Diagnoses& out);
void host_address(const Patient& patient, Diagnoses& out);
void host_descriptors(const Patient& patient, Diagnoses& out);
void host_certificate(const Patient& patient, Diagnoses& out);
void host_policy(const Patient& patient, Diagnoses& out);
void host_faults(const Patient& patient, Diagnoses& out);
void host_keystone(const Patient& patient, Diagnoses& out);
void host_database(const Patient& patient, Diagnoses& out);
void host_clock(const Patient& patient, Diagnoses& out);
void host_sealing_key(const Patient& patient, Diagnoses& out);
void database_settings(const Patient& patient, Diagnoses& out);
void database_standby(const Patient& patient, Diagnoses& out);
void services_down(const Patient& patient, Diagnoses& out);
void services_storage(const Patient& patient, Diagnoses& out);
void services_versions(const Patient& patient, Diagnoses& out);
void backends_unserved(const Patient& patient, Diagnoses& out);
void operations_stuck(const Patient& patient, Diagnoses& out);
void findings_told(const Patient& patient, Diagnoses& out);
void invariants_broken(const Patient& patient, Diagnoses& out);

}  // namespace scoria::app::doctor
