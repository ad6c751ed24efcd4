#pragma once
#include "db/database.h"
#include "store/chores/chores.h"

namespace scoria::reconcile {

struct PurgeOptions {
  Duration operations = std::chrono::hours{24 * 30};  // ended ones, their history; zero: kept for ever
  Duration events = std::chrono::hours{24};           // that no relay delivers; zero: a relay does
  Duration incarnations = std::chrono::hours{24 * 7}; // of processes that are gone
  Duration period = std::chrono::minutes{10};         // between two rounds that found everything done
  Duration pause = std::chrono::milliseconds{250};    // between batches
  std::size_t batch = 1000;                           // rows of each table in one transaction
};

/// Throws away what is over: ended operations, keys of idempotent requests, messages, tokens, undelivered events that are
/// old, incarnations long gone, log settings everybody has seen. A batch of each table at a time, each in a transaction
/// of its own, on one node at a time. Ledger rows stay: names are counted from them.
class Purge {
 public:
  Purge(db::Database& database, PurgeOptions options) : database_(database), options_(options) {}
  /// The next batches, if they are due and no other node's turn. True: it was.
  bool turn();

 private:
  store::chores::Next batches(const std::string& progress);
  std::int64_t purge_operations(std::int64_t after, std::int64_t& next);

  db::Database& database_;
  const PurgeOptions options_;
};

}  // namespace scoria::reconcile
