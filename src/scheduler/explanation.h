#pragma once
#include <string>
#include <utility>
#include <vector>

#include "json/writer.h"
#include "scheduler/filters.h"

namespace scoria::scheduler {

/// What became of one pool: every objection, not only the first, so that the nearest fix can be told.
struct Verdict {
  std::string host;  // "backend#pool"
  Bytes taken;       // what the volume would take there
  std::vector<Objection> objections;
  double weight = 0;
  std::vector<std::pair<std::string, double>> weights;  // by weigher, scaled and multiplied
  bool passed() const { return objections.empty(); }
};

/// Why a volume goes where it goes, or nowhere.
struct Explanation {
  Bytes wanted;
  std::vector<Verdict> candidates;  // as the pools were given
  std::vector<std::string> notes;   // what else a reader should know: hints that nobody honours

  /// Nothing fits now, but may without anybody doing anything: no pool is known yet, or one that could take it is served
  /// by nobody just now.
  bool may_pass() const;
  /// For the volume's user: how many pools there are, what kept them out, and the nearest fix. No names of hosts.
  std::string summary() const;
  /// {"summary", "wanted_gib", "candidates": [{"host", "passed", "objections": [{"filter", "reason", "fix", …}], "weight",
  /// …}], "notes"}; hosts are for operators.
  void write(json::Writer& out, bool with_hosts) const;
};

}  // namespace scoria::scheduler
