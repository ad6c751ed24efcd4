#pragma once
#include <memory>
#include <string>

#include "drivers/fake/array.h"

namespace scoria::drivers::fake {

/// A driver of one node on a shared array; it has every optional ability. Locations have the protocol "fake".
std::unique_ptr<Driver> make_fake_driver(std::shared_ptr<Array> array, std::string node);

}  // namespace scoria::drivers::fake
