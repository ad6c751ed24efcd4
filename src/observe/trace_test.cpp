#include "observe/trace.h"

#include <gtest/gtest.h>

namespace scoria {
namespace {

TEST(Trace, survives_the_header) {
  const std::string header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto trace = parse_traceparent(header);
  ASSERT_TRUE(trace);
  EXPECT_TRUE(trace->sampled);
  EXPECT_EQ(trace->header(), header);
  SeededRandom random(1);
  const Trace child = trace->child(random);
  EXPECT_EQ(child.trace_id, trace->trace_id);
  EXPECT_NE(child.span_id, trace->span_id);
  EXPECT_TRUE(parse_traceparent(Trace::fresh(random).header()));
}

TEST(Trace, malformed_headers_are_no_trace) {
  for (const char* bad : {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                          "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331-01-"})
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  EXPECT_TRUE(parse_traceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later"));
}

}  // namespace
}  // namespace scoria
