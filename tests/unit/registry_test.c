/* registry_test.c - what registries say about who asks, and where the answer is kept. The protocol
 * itself is shown with a real registry: tests/platform/image.sh. */
#include "platform/challenge.h"
#include "platform/registry_login.h"
#include "tests/test.h"

static struct why why;

TEST(challenge, a_bearer_names_realm_service_and_scope)
{
    struct challenge c;
    CHECK(challenge_read(&c, STR("Bearer realm=\"https://auth.example.org/token\",service=\"reg\","
                                 "scope=\"repository:a/b:pull,push\"")));
    CHECK(c.bearer && !c.basic);
    CHECK_STR(c.realm, STR("https://auth.example.org/token"));
    CHECK_STR(c.service, STR("reg"));
    CHECK_STR(c.scope, STR("repository:a/b:pull,push")); /* a comma in quotes divides nothing */
}

TEST(challenge, several_are_told_apart_by_what_follows_a_word)
{
    struct challenge c;
    CHECK(challenge_read(&c, STR("Basic realm=\"not this\", charset=UTF-8, bearer "
                                 "realm=\"https://a/\" , service=reg\nDigest realm=\"nor this\"")));
    CHECK(c.basic && c.bearer);
    CHECK_STR(c.realm, STR("https://a/"));
    CHECK_STR(c.service, STR("reg"));
}

TEST(challenge, what_is_not_well_formed_or_not_known_is_refused)
{
    struct challenge c;
    static const char *const bad[] = { "",
                                       "  ,",
                                       "Negotiate",
                                       "Bearer realm=\"open",
                                       "Bearer realm=",
                                       "Bearer =x",
                                       "Bearer realm=\"a\\\"b\"",
                                       "Bearer realm=\"a\r\nX: y\"",
                                       "\"Basic\"" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!challenge_read(&c, str_z(bad[i])));
}

static fail read(struct registry_login *login, const char *text, struct arena *arena)
{
    *arena = arena_make(MIB);
    return registry_login_read(login, str_z(text), STR("reg.example.org:5000"), arena, &why);
}

TEST(registry_login, a_line_or_dockers_file_gives_name_and_password)
{
    struct registry_login login;
    struct arena arena;
    CHECK_OK(read(&login, "exam:pass:word\n", &arena));
    CHECK_STR(login.user, STR("exam"));
    CHECK_STR(login.password, STR("pass:word"));
    arena_fini(&arena);
    CHECK_OK(read(&login,
                  "{\"auths\":{\"other\":{\"auth\":\"eDp5\"},"
                  "\"https://reg.example.org:5000/v2/\":{\"auth\":\"ZXhhbTpzZWNyZXQ=\"}}}",
                  &arena));
    CHECK_STR(login.user, STR("exam"));
    CHECK_STR(login.password, STR("secret"));
    arena_fini(&arena);
    CHECK_OK(read(&login, "{\"auths\":{\"other\":{\"auth\":\"eDp5\"}}}", &arena));
    CHECK_EQ(login.user.n, 0);
    arena_fini(&arena);
}

TEST(registry_login, a_failure_never_shows_what_the_file_holds)
{
    struct registry_login login;
    struct arena arena;
    static const char *const bad[] = {
        "hunter2", ":hunter2", "a:b\nhunter2", "{\"hunter2\"",
        "{\"auths\":{\"reg.example.org:5000\":{\"auth\":\"hunter2\"}}}"
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK_EQ(read(&login, bad[i], &arena), FAIL_INPUT);
        CHECK(str_find_str(str_z(why.text), STR("hunter2")) < 0);
        arena_fini(&arena);
    }
}
