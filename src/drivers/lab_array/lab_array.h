#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "drivers/driver.h"
#include "net/http_client.h"

/// The storage array for tests, tests/faults/storage_array: a backend behind a network that several nodes share and that can
/// be told to lose answers, hang and be late. An example of a driver for an array with an HTTP interface.
namespace scoria::drivers::lab_array {

struct LabArrayOptions {
  std::string url;
  std::string node;                  // who calls, for the array's log
  Duration timeout = std::chrono::seconds{10};
  std::string storage_protocol = "NBD";
  double max_over_subscription_ratio = 20.0;
  int reserved_percentage = 0;
};

/// Locations are files: the array's volumes appear on each node under the same paths, as mapped devices would.
std::unique_ptr<Driver> make_lab_array_driver(Clock& clock, std::unique_ptr<net::HttpClient> client, LabArrayOptions options);

}  // namespace scoria::drivers::lab_array
