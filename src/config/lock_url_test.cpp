#include "config/lock_url.h"

#include <gtest/gtest.h>

namespace scoria::config {
namespace {

using Provider = LockUrl::Provider;

TEST(LockUrl, the_forms_of_cinder_are_read) {
  const auto file = parse_lock_url("file:///var/lib/scoria");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->provider, Provider::file);
  EXPECT_EQ(file->directory, "/var/lib/scoria");
  for (const char* text : {"etcd3+http://10.0.0.1:2379", "etcd3://10.0.0.1", "etcd3+http://10.0.0.1/", "etcd3+http://10.0.0.1:2379?api_version=v3"}) {
    const auto etcd = parse_lock_url(text);
    ASSERT_TRUE(etcd) << text;
    EXPECT_EQ(etcd->provider, Provider::etcd);
    EXPECT_EQ(etcd->endpoints, std::vector<std::string>{"http://10.0.0.1:2379"}) << text;
  }
  const auto secure = parse_lock_url("etcd3+https://a,[::1]:2380?ca_cert=/etc/ca.pem&lock_timeout=5");
  ASSERT_TRUE(secure);
  EXPECT_EQ(secure->endpoints, (std::vector<std::string>{"https://a:2379", "https://[::1]:2380"}));
  EXPECT_EQ(secure->ca_file, "/etc/ca.pem");
  EXPECT_EQ(secure->lease, std::chrono::seconds{5});
  EXPECT_EQ(parse_lock_url("db://")->provider, Provider::database);
  EXPECT_EQ(parse_lock_url("process://")->provider, Provider::process);
}

TEST(LockUrl, what_is_not_served_is_told_with_what_to_write) {
  for (const char* text : {"redis://localhost:6379", "redis+sentinel://h", "memcached://h", "zookeeper://h:2181", "consul://h", "mysql://u:p@h/d", "postgresql://h/d",
                           "etcd://h", "ipc://", "nonsense", "", "://"}) {
    const std::string problem = lock_url_problem(text);
    EXPECT_NE(problem.find("db://"), std::string::npos) << text << " " << problem;
    EXPECT_NE(problem.find("etcd3+http://"), std::string::npos) << text << " " << problem;
  }
  EXPECT_NE(lock_url_problem("redis://h").find("token"), std::string::npos);
  for (const char* text : {"file://relative", "file://", "etcd3+http://", "etcd3+http://u:p@h", "etcd3+http://h?cert_key=x", "etcd3+http://h?lock_timeout=0",
                           "etcd3+http://h?lock_timeout=x", "etcd3+http://h?api_version=v2", "db://host", "file:///x?ca_cert=y"})
    EXPECT_NE(lock_url_problem(text), "") << text;
}

}  // namespace
}  // namespace scoria::config
