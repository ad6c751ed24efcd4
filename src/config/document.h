#pragma once
#include <string>

#include "config/catalogue.h"

namespace scoria::config {

/// A configuration file with every option, commented out at its default.
std::string sample(const Catalogue& catalogue);
/// The reference page, Markdown: docs/reference/configuration.md.
std::string reference(const Catalogue& catalogue);

}  // namespace scoria::config
