#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "drivers/driver.h"

/// qemu-img does everything that is about the qcow2 format.
namespace scoria::drivers::file {

/// Runs qemu-img with these arguments to its end and gives its output. A full disk is no_space, an image that somebody
/// has open is busy; the message is qemu-img's own.
DriverResult<std::string> qemu_img(Clock& clock, const Call& call, std::vector<std::string> arguments);

/// Makes an empty overlay `folder/file` of `size` over `base` (a name in the same folder, which need not exist yet);
/// what was there under that name is lost. Durable on return.
DriverResult<> make_overlay(Clock& clock, const Call& call, const std::string& folder, const std::string& file, const std::string& base,
                            const std::string& base_format, Bytes size);

}  // namespace scoria::drivers::file
