/* zmqspec adapter for libzmq in one C file: the adapter protocol, version 1, over whatever libzmq it is linked with.
 *
 *   cc -g -fsanitize=address,undefined libzmq.c -o adapter -lzmq -lpthread
 *   zmqspec subject verify exec:./adapter
 *
 * One thread per socket owns it and takes its requests in order; the control loop only hands over. Blocking calls wait
 * in slices of 20 ms, so that `reset` can release them while the socket's linger can still be set. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { LARGE_PART = 65536, SLICE_MS = 20, RESET_MS = 3000, DEPTH = 64 };
static const size_t FILL_LIMIT = (size_t)1 << 30, LINE_LIMIT = (size_t)64 << 20;

/* ---- memory and text ---- */

static void *checked(void *p) {
    if (!p) { fputs("adapter: out of memory\n", stderr); abort(); }
    return p;
}

typedef struct { char *at; size_t len, cap; } Text;

static void put(Text *t, const char *s, size_t n) {
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->at = checked(realloc(t->at, t->cap));
    }
    memcpy(t->at + t->len, s, n);
    t->len += n;
    t->at[t->len] = 0;
}

static void puts_to(Text *t, const char *s) { put(t, s, strlen(s)); }

__attribute__((format(printf, 2, 3))) static void putf(Text *t, const char *format, ...) {
    char small[256];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(small, sizeof small, format, list);
    va_end(list);
    put(t, small, n < 0 ? 0 : (size_t)n < sizeof small ? (size_t)n : sizeof small - 1);
}

/* A JSON string. Octets that are not ASCII pass as they are if they are UTF-8, else as U+FFFD. */
static void put_string(Text *t, const char *s) {
    puts_to(t, "\"");
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : -1;
        for (int i = 1; i <= more; i++)
            if ((p[i] & 0xc0) != 0x80) { more = -1; break; }
        if (more < 0) { puts_to(t, "\\ufffd"); p++; continue; }
        if (more == 0 && (*p < 0x20 || *p == '"' || *p == '\\')) putf(t, "\\u%04x", *p);
        else put(t, (const char *)p, (size_t)more + 1);
        p += more + 1;
    }
    puts_to(t, "\"");
}

static void put_hex(Text *t, const unsigned char *p, size_t n) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        char pair[2] = { digits[p[i] >> 4], digits[p[i] & 15] };
        put(t, pair, 2);
    }
}

/* The octets of an even number of hex digits; NULL if it is none. */
static unsigned char *unhex(const char *s, size_t *len) {
    size_t n = strlen(s);
    if (n % 2) return NULL;
    unsigned char *out = checked(malloc(n / 2 + 1));
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (v < 0) { free(out); return NULL; }
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | v : v << 4);
    }
    *len = n / 2;
    return out;
}

/* ---- JSON reader ---- */

typedef enum { NUL, BOOL, INT, REAL, STRING, LIST, OBJECT } Kind;
typedef struct Json { Kind kind; char *key, *text; int64_t number; struct Json *child, *next; } Json;

static void json_free(Json *j) {
    while (j) {
        Json *next = j->next;
        json_free(j->child);
        free(j->key);
        free(j->text);
        free(j);
        j = next;
    }
}

static const char *skip(const char *p) {
    while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') p++;
    return p;
}

static int hex4(const char *p, unsigned *out) {
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (v < 0) return 0;
        *out = *out * 16 + (unsigned)v;
    }
    return 1;
}

/* The position behind the string, or NULL. A zero character is refused: no name or value here has one. */
static const char *read_string(const char *p, char **out) {
    Text t = { 0 };
    put(&t, "", 0);
    for (p++; *p && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20) goto bad;
        if (*p != '\\') { put(&t, p, 1); continue; }
        const char *plain = "\"\\/bfnrt", *means = "\"\\/\b\f\n\r\t", *found = strchr(plain, *++p);
        if (*p && found) { put(&t, means + (found - plain), 1); continue; }
        unsigned u, low;
        if (*p != 'u' || !hex4(p + 1, &u)) goto bad;
        p += 4;
        if (u >= 0xd800 && u < 0xdc00) {
            if (p[1] != '\\' || p[2] != 'u' || !hex4(p + 3, &low) || low < 0xdc00 || low > 0xdfff) goto bad;
            u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
        } else if (u >= 0xdc00 && u < 0xe000) goto bad;
        if (!u) goto bad;
        char octets[4];
        int n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
        for (int i = n - 1; i > 0; i--, u >>= 6) octets[i] = (char)(0x80 | (u & 0x3f));
        octets[0] = (char)(n == 1 ? u : (0xf00 >> n & 0xff) | u);
        put(&t, octets, (size_t)n);
    }
    if (*p != '"') goto bad;
    *out = t.at;
    return p + 1;
bad:
    free(t.at);
    return NULL;
}

static const char *read_value(const char *p, Json **out, int depth) {
    Json *j = checked(calloc(1, sizeof *j));
    p = skip(p);
    if (*p == '"') {
        j->kind = STRING;
        p = read_string(p, &j->text);
    } else if (*p == '{' || *p == '[') {
        char end = *p == '{' ? '}' : ']';
        j->kind = *p == '{' ? OBJECT : LIST;
        Json **last = &j->child;
        p = depth ? skip(p + 1) : NULL;
        if (p && *p == end) { *out = j; return p + 1; }
        while (p) {
            char *key = NULL;
            if (j->kind == OBJECT) {
                p = skip(p);
                p = *p == '"' ? read_string(p, &key) : NULL;
                p = p ? skip(p) : NULL;
                p = p && *p == ':' ? p + 1 : NULL;
            }
            if (p) p = read_value(p, last, depth - 1);
            if (!p) { free(key); break; }
            (*last)->key = key;
            last = &(*last)->next;
            p = skip(p);
            if (*p == end) { p++; break; }
            p = *p == ',' ? p + 1 : NULL;
        }
    } else if (!strncmp(p, "true", 4) || !strncmp(p, "null", 4)) {
        j->kind = *p == 't' ? BOOL : NUL;
        j->number = *p == 't';
        p += 4;
    } else if (!strncmp(p, "false", 5)) {
        j->kind = BOOL;
        p += 5;
    } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
        char *end;
        errno = 0;
        j->kind = INT;
        j->number = strtoll(p, &end, 10);
        if (errno || *end == '.' || *end == 'e' || *end == 'E') {
            j->kind = REAL;
            strtod(p, &end);
        }
        p = end > p + (*p == '-') ? end : NULL;
    } else p = NULL;
    if (!p) { json_free(j); j = NULL; }
    *out = j;
    return p;
}

/* The value that a line holds, or NULL. */
static Json *read_json(const char *line) {
    Json *j = NULL;
    const char *p = read_value(line, &j, DEPTH);
    if (p && *skip(p)) { json_free(j); j = NULL; }
    return j;
}

static Json *field(const Json *j, const char *name, Kind kind) {
    for (Json *c = j && j->kind == OBJECT ? j->child : NULL; c; c = c->next)
        if (c->key && !strcmp(c->key, name) && c->kind == kind) return c;
    return NULL;
}

static const char *text(const Json *j, const char *name) {
    Json *f = field(j, name, STRING);
    return f ? f->text : NULL;
}

static int has_field(const Json *j, const char *name) {
    for (Json *c = j->child; c; c = c->next)
        if (!strcmp(c->key, name)) return 1;
    return 0;
}

/* ---- SHA-256 (FIPS 180-4) ---- */

static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha_block(uint32_t *h, const unsigned char *p) {
    static const uint32_t k[64] = {
        0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,0xd807aa98,0x12835b01,0x243185be,
        0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,0x2de92c6f,0x4a7484aa,
        0x5cb0a9dc,0x76f988da,0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,0x06ca6351,0x14292967,0x27b70a85,
        0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,
        0xd192e819,0xd6990624,0xf40e3585,0x106aa070,0x19a4c116,0x1e376c08,0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,
        0x682e6ff3,0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2 };
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3)
             + (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t b = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += a;
        v[0] = a + b;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

static void sha256(const unsigned char *p, size_t n, unsigned char *out) {
    uint32_t h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    unsigned char tail[128] = { 0 };
    size_t whole = n / 64 * 64, rest = n - whole, end = rest < 56 ? 64 : 128;
    for (size_t i = 0; i < whole; i += 64) sha_block(h, p + i);
    if (rest) memcpy(tail, p + whole, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++) tail[end - 1 - (size_t)i] = (unsigned char)((uint64_t)n * 8 >> 8 * i);
    for (size_t i = 0; i < end; i += 64) sha_block(h, tail + i);
    for (int i = 0; i < 32; i++) out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- replies ---- */

static int out_fd;
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

/* Writes the line and frees it. */
static void emit(Text *t) {
    puts_to(t, "\n");
    pthread_mutex_lock(&out_lock);
    for (size_t done = 0; done < t->len;) {
        ssize_t n = write(out_fd, t->at + done, t->len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    pthread_mutex_unlock(&out_lock);
    free(t->at);
    *t = (Text){ 0 };
}

static Text begin(int64_t id) {
    Text t = { 0 };
    putf(&t, "{\"id\":%lld", (long long)id);
    return t;
}

static void done(int64_t id) {
    Text t = begin(id);
    puts_to(&t, "}");
    emit(&t);
}

static void refuse_as(int64_t id, const char *class, const char *name, const char *native) {
    Text t = begin(id);
    putf(&t, ",\"error\":{\"class\":\"%s\",\"errno\":\"%s\",\"native\":", class, name);
    put_string(&t, native);
    puts_to(&t, "}}");
    emit(&t);
}

static void refuse(int64_t id, const char *class, const char *native) { refuse_as(id, class, "", native); }

static const struct { int number; const char *name, *class; } ERRNOS[] = {
    { EAGAIN, "EAGAIN", "would-block" }, { EFSM, "EFSM", "state" }, { EHOSTUNREACH, "EHOSTUNREACH", "unroutable" },
    { ETERM, "ETERM", "terminated" }, { ENOTSOCK, "ENOTSOCK", "terminated" }, { ENOTSUP, "ENOTSUP", "unsupported" },
    { EPROTONOSUPPORT, "EPROTONOSUPPORT", "unsupported" }, { EINVAL, "EINVAL", "argument" }, { ENODEV, "ENODEV", "argument" },
    { EADDRINUSE, "EADDRINUSE", "argument" }, { EADDRNOTAVAIL, "EADDRNOTAVAIL", "argument" }, { ENOENT, "ENOENT", "argument" },
    { ENOCOMPATPROTO, "ENOCOMPATPROTO", "argument" }, { ENAMETOOLONG, "ENAMETOOLONG", "argument" },
    { EFAULT, "EFAULT", "argument" }, { EACCES, "EACCES", "argument" }, { EMFILE, "EMFILE", "other" },
    { EMTHREAD, "EMTHREAD", "other" }, { ENOMEM, "ENOMEM", "other" }, { EINTR, "EINTR", "other" } };

static void refuse_errno(int64_t id, int number) {
    for (size_t i = 0; i < sizeof ERRNOS / sizeof *ERRNOS; i++)
        if (ERRNOS[i].number == number) {
            refuse_as(id, ERRNOS[i].class, ERRNOS[i].name, zmq_strerror(number));
            return;
        }
    refuse(id, "other", zmq_strerror(number));
}

/* `done` or the errno of the call that has just returned this. */
static void settle_with(int64_t id, int returned) {
    if (returned < 0) refuse_errno(id, zmq_errno());
    else done(id);
}

/* ---- names ---- */

static const struct { const char *name; int type; } TYPES[] = {
    { "PAIR", ZMQ_PAIR }, { "PUB", ZMQ_PUB }, { "SUB", ZMQ_SUB }, { "REQ", ZMQ_REQ }, { "REP", ZMQ_REP },
    { "DEALER", ZMQ_DEALER }, { "ROUTER", ZMQ_ROUTER }, { "PULL", ZMQ_PULL }, { "PUSH", ZMQ_PUSH }, { "XPUB", ZMQ_XPUB },
    { "XSUB", ZMQ_XSUB }, { "STREAM", ZMQ_STREAM } };
enum { TYPES_LEN = sizeof TYPES / sizeof *TYPES };

/* kind: i int, l 64 bits, t text, h octets, k key of 32 octets. on: -1 is found by reading it from a DEALER, -2-n by
 * reading it from type n, n >= 0 by setting it on type n to these octets, or to this number. */
typedef struct { const char *name; int number; char kind; int on; const char *octets; int value; } Option;
static const Option OPTIONS[] = {
    { "affinity", 4, 'l', -1, NULL, 0 }, { "routing_id", 5, 'h', -1, NULL, 0 }, { "subscribe", 6, 'h', 2, "probe", 0 },
    { "unsubscribe", 7, 'h', 2, "probe", 0 }, { "rate", 8, 'i', -1, NULL, 0 }, { "recovery_ivl", 9, 'i', -1, NULL, 0 },
    { "sndbuf", 11, 'i', -1, NULL, 0 }, { "rcvbuf", 12, 'i', -1, NULL, 0 }, { "rcvmore", 13, 'i', -1, NULL, 0 },
    { "fd", 14, 'i', -1, NULL, 0 }, { "events", 15, 'i', -1, NULL, 0 }, { "type", 16, 'i', -1, NULL, 0 },
    { "linger", 17, 'i', -1, NULL, 0 }, { "reconnect_ivl", 18, 'i', -1, NULL, 0 }, { "backlog", 19, 'i', -1, NULL, 0 },
    { "reconnect_ivl_max", 21, 'i', -1, NULL, 0 }, { "maxmsgsize", 22, 'l', -1, NULL, 0 }, { "sndhwm", 23, 'i', -1, NULL, 0 },
    { "rcvhwm", 24, 'i', -1, NULL, 0 }, { "multicast_hops", 25, 'i', -1, NULL, 0 }, { "rcvtimeo", 27, 'i', -1, NULL, 0 },
    { "sndtimeo", 28, 'i', -1, NULL, 0 }, { "ipv4only", 31, 'i', -1, NULL, 0 }, { "last_endpoint", 32, 't', -1, NULL, 0 },
    { "router_mandatory", 33, 'i', 6, NULL, 0 }, { "tcp_keepalive", 34, 'i', -1, NULL, 0 },
    { "tcp_keepalive_cnt", 35, 'i', -1, NULL, 0 }, { "tcp_keepalive_idle", 36, 'i', -1, NULL, 0 },
    { "tcp_keepalive_intvl", 37, 'i', -1, NULL, 0 }, { "tcp_accept_filter", 38, 't', 5, "127.0.0.1", 0 },
    { "immediate", 39, 'i', -1, NULL, 0 }, { "xpub_verbose", 40, 'i', 9, NULL, 0 }, { "router_raw", 41, 'i', 6, NULL, 0 },
    { "ipv6", 42, 'i', -1, NULL, 0 }, { "mechanism", 43, 'i', -1, NULL, 0 }, { "plain_server", 44, 'i', -1, NULL, 0 },
    { "plain_username", 45, 't', -1, NULL, 0 }, { "plain_password", 46, 't', -1, NULL, 0 },
    { "curve_server", 47, 'i', -1, NULL, 0 }, { "curve_publickey", 48, 'k', -1, NULL, 0 },
    { "curve_secretkey", 49, 'k', -1, NULL, 0 }, { "curve_serverkey", 50, 'k', -1, NULL, 0 },
    { "probe_router", 51, 'i', 6, NULL, 0 }, { "req_correlate", 52, 'i', 3, NULL, 0 }, { "req_relaxed", 53, 'i', 3, NULL, 0 },
    { "conflate", 54, 'i', -1, NULL, 0 }, { "zap_domain", 55, 't', -1, NULL, 0 }, { "router_handover", 56, 'i', 6, NULL, 0 },
    { "tos", 57, 'i', -1, NULL, 0 }, { "connect_routing_id", 61, 'h', 6, "probe", 0 },
    { "gssapi_server", 62, 'i', -1, NULL, 0 }, { "gssapi_principal", 63, 't', -1, NULL, 0 },
    { "gssapi_service_principal", 64, 't', -1, NULL, 0 }, { "gssapi_plaintext", 65, 'i', -1, NULL, 0 },
    { "handshake_ivl", 66, 'i', -1, NULL, 0 }, { "socks_proxy", 68, 't', -1, NULL, 0 },
    { "xpub_nodrop", 69, 'i', 9, NULL, 0 }, { "xpub_manual", 71, 'i', 9, NULL, 0 }, { "xpub_welcome_msg", 72, 'h', 9, "", 0 },
    { "stream_notify", 73, 'i', 11, NULL, 1 }, { "invert_matching", 74, 'i', -1, NULL, 0 },
    { "heartbeat_ivl", 75, 'i', -1, NULL, 0 }, { "heartbeat_ttl", 76, 'i', -1, NULL, 0 },
    { "heartbeat_timeout", 77, 'i', -1, NULL, 0 }, { "xpub_verboser", 78, 'i', 9, NULL, 0 },
    { "connect_timeout", 79, 'i', -1, NULL, 0 }, { "tcp_maxrt", 80, 'i', -1, NULL, 0 },
    { "thread_safe", 81, 'i', -1, NULL, 0 }, { "multicast_maxtpdu", 84, 'i', -1, NULL, 0 },
    { "use_fd", 89, 'i', -1, NULL, 0 }, { "gssapi_principal_nametype", 90, 'i', -1, NULL, 0 },
    { "gssapi_service_principal_nametype", 91, 'i', -1, NULL, 0 }, { "bindtodevice", 92, 't', -1, NULL, 0 },
    { "zap_enforce_domain", 93, 'i', -1, NULL, 0 }, { "loopback_fastpath", 94, 'i', -1, NULL, 0 },
    { "metadata", 95, 't', 5, "X-Zmqspec:probe", 0 }, { "multicast_loop", 96, 'i', -1, NULL, 0 },
    { "router_notify", 97, 'i', 6, NULL, 0 }, { "xpub_manual_last_value", 98, 'i', 9, NULL, 0 },
    { "socks_username", 99, 't', -1, NULL, 0 }, { "socks_password", 100, 't', -1, NULL, 0 },
    { "in_batch_size", 101, 'i', -1, NULL, 0 }, { "out_batch_size", 102, 'i', -1, NULL, 0 },
    { "only_first_subscribe", 108, 'i', 9, NULL, 0 }, { "reconnect_stop", 109, 'i', -1, NULL, 0 },
    { "hello_msg", 110, 'h', 5, "", 0 }, { "disconnect_msg", 111, 'h', 5, "", 0 }, { "priority", 112, 'i', -1, NULL, 0 },
    { "busy_poll", 113, 'i', 5, NULL, 0 }, { "hiccup_msg", 114, 'h', 5, "", 0 },
    { "xsub_verbose_unsubscribe", 115, 'i', 10, NULL, 0 }, { "topics_count", 116, 'i', -11, NULL, 0 },
};
enum { OPTIONS_LEN = sizeof OPTIONS / sizeof *OPTIONS };

static const struct { const char *name; int number; } CONTEXT_OPTIONS[] = {
    { "io_threads", 1 }, { "max_sockets", 2 }, { "thread_priority", 3 }, { "thread_sched_policy", 4 }, { "max_msgsz", 5 },
    { "zero_copy_recv", 10 }, { "ipv6", 42 }, { "blocky", 70 } };

static const char *EVENTS[] = {
    "connected", "connect_delayed", "connect_retried", "listening", "bind_failed", "accepted", "accept_failed", "closed",
    "close_failed", "disconnected", "monitor_stopped", "handshake_failed_no_detail", "handshake_succeeded",
    "handshake_failed_protocol", "handshake_failed_auth" };

static const char *declared(char kind) { return kind == 'i' || kind == 'l' ? "int" : kind == 't' ? "text" : "hex"; }

static const Option *option_named(const char *name) {
    for (size_t i = 0; i < OPTIONS_LEN; i++)
        if (!strcmp(OPTIONS[i].name, name)) return &OPTIONS[i];
    return NULL;
}

/* ---- sockets and their threads ---- */

typedef struct Ready { pthread_mutex_t lock; pthread_cond_t change; int events, answered, holders; } Ready;
typedef struct Job { int64_t id; Json *request; Ready *ready; struct Job *next; } Job;
typedef struct Thread { pthread_t id; struct Thread *next; } Thread;

typedef struct Socket {
    char *name;
    void *raw, *ctx;
    pthread_mutex_t lock;
    pthread_cond_t change;
    Job *first, **last;
    int quit;      /* under `lock`: nobody hands over any more; close with linger 0 */
    int holders;   /* under `lock`: the owner, the control loop, polls */
    atomic_int cancelled;
    struct Socket *next;
} Socket;

typedef struct Context { char *name; void *raw; struct Context *next; } Context;

static Socket *sockets;
static Context *contexts;
static pthread_mutex_t life_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t life_change = PTHREAD_COND_INITIALIZER;
static int owners, others; /* under `life_lock`: threads that live; owners hold a socket, others are pumps and polls */
static Thread *threads;    /* under `life_lock`: to be joined by `reset` */
static atomic_int polls_cancelled;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t deadline_after(int64_t ms) { return now_ms() + (ms < 86400000 ? ms : 86400000); }

/* Waits on the condition, at most until so many milliseconds from now. */
static void wait_ms(pthread_cond_t *change, pthread_mutex_t *lock, int64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) { t.tv_sec++; t.tv_nsec -= 1000000000; }
    pthread_cond_timedwait(change, lock, &t);
}

/* Starts a thread that `reset` joins; `count` is lowered by `leave` at its end. */
static int start(void *(*body)(void *), void *argument, int *count) {
    Thread *t = checked(calloc(1, sizeof *t));
    pthread_mutex_lock(&life_lock);
    int failed = pthread_create(&t->id, NULL, body, argument);
    if (failed) free(t);
    else { t->next = threads; threads = t; ++*count; }
    pthread_mutex_unlock(&life_lock);
    return !failed;
}

static void leave(int *count) {
    pthread_mutex_lock(&life_lock);
    --*count;
    pthread_cond_broadcast(&life_change);
    pthread_mutex_unlock(&life_lock);
}

/* Whether none of them lives, waited for until the deadline. */
static int wait_for(int *count, int64_t deadline) {
    pthread_mutex_lock(&life_lock);
    for (int64_t left; *count && (left = deadline - now_ms()) > 0;) wait_ms(&life_change, &life_lock, left);
    int none = !*count;
    pthread_mutex_unlock(&life_lock);
    return none;
}

static void ready_drop(Ready *r) {
    pthread_mutex_lock(&r->lock);
    int left = --r->holders;
    pthread_mutex_unlock(&r->lock);
    if (!left) { pthread_mutex_destroy(&r->lock); pthread_cond_destroy(&r->change); free(r); }
}

static void job_free(Job *j) {
    json_free(j->request);
    if (j->ready) ready_drop(j->ready);
    free(j);
}

static void socket_drop(Socket *s) {
    pthread_mutex_lock(&s->lock);
    int left = --s->holders;
    pthread_mutex_unlock(&s->lock);
    if (left) return;
    for (Job *j = s->first, *next; j; j = next) { next = j->next; job_free(j); }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->change);
    free(s->name);
    free(s);
}

/* Hands over a request, which the socket's thread will free, or a question for readiness. */
static void hand_over(Socket *s, int64_t id, Json *request, Ready *ready) {
    Job *j = checked(calloc(1, sizeof *j));
    *j = (Job){ id, request, ready, NULL };
    pthread_mutex_lock(&s->lock);
    *s->last = j;
    s->last = &j->next;
    pthread_cond_signal(&s->change);
    pthread_mutex_unlock(&s->lock);
}

/* 0, or the error as a class with its words. */
static int set_option(void *raw, const char *name, const Json *value, const char **class, const char **words) {
    const Option *o = option_named(name);
    *class = "argument";
    *words = "the value has another type than the option";
    if (!o) { *class = "unsupported"; *words = "unknown option"; return -1; }
    int number = (int)value->number, r;
    if (o->kind == 'i' || o->kind == 'l') {
        if (value->kind != INT || (o->kind == 'i' && number != value->number)) return -1;
        r = o->kind == 'i' ? zmq_setsockopt(raw, o->number, &number, sizeof number)
                           : zmq_setsockopt(raw, o->number, &value->number, sizeof value->number);
    } else {
        if (value->kind != STRING) return -1;
        size_t n = strlen(value->text);
        unsigned char *octets = o->kind == 't' ? (unsigned char *)checked(strdup(value->text)) : unhex(value->text, &n);
        if (!octets) { *words = "the value is not hex"; return -1; }
        r = zmq_setsockopt(raw, o->number, octets, n);
        int kept = errno;
        free(octets);
        errno = kept;
    }
    if (r < 0) *class = NULL; /* the errno says it */
    return r;
}

static void refuse_option(int64_t id, const char *class, const char *words) {
    if (class) refuse(id, class, words);
    else refuse_errno(id, zmq_errno());
}

static void do_get(Socket *s, int64_t id, const char *name) {
    const Option *o = option_named(name);
    if (!o) { refuse(id, "unsupported", "unknown option"); return; }
    int number = 0;
    int64_t wide = 0;
    char octets[4097] = { 0 };
    size_t len = o->kind == 'i' ? sizeof number : o->kind == 'l' ? sizeof wide : o->kind == 't' ? 4096 : o->kind == 'k' ? 32 : 255;
    void *at = o->kind == 'i' ? (void *)&number : o->kind == 'l' ? (void *)&wide : octets;
    if (zmq_getsockopt(s->raw, o->number, at, &len) < 0) { refuse_errno(id, zmq_errno()); return; }
    Text t = begin(id);
    puts_to(&t, ",\"value\":");
    if (o->kind == 'i' || o->kind == 'l') putf(&t, "%lld", o->kind == 'i' ? (long long)number : (long long)wide);
    else if (o->kind == 't') put_string(&t, octets);
    else { puts_to(&t, "\""); put_hex(&t, (unsigned char *)octets, len); puts_to(&t, "\""); }
    puts_to(&t, "}");
    emit(&t);
}

static void do_attach(Socket *s, int64_t id, const char *verb, const char *endpoint) {
    int r = !strcmp(verb, "bind") ? zmq_bind(s->raw, endpoint) : zmq_connect(s->raw, endpoint);
    if (r < 0) { refuse_errno(id, zmq_errno()); return; }
    char last[1024] = { 0 };
    size_t len = sizeof last - 1;
    if (zmq_getsockopt(s->raw, ZMQ_LAST_ENDPOINT, last, &len) < 0) *last = 0;
    Text t = begin(id);
    puts_to(&t, ",\"endpoint\":");
    put_string(&t, *last ? last : endpoint);
    puts_to(&t, "}");
    emit(&t);
}

/* One part, sent or received: at once if possible, else in slices until the deadline. -2: released by `reset`. */
static int patiently(Socket *s, int receive, zmq_msg_t *part, int flags, int64_t deadline) {
    int option = receive ? ZMQ_RCVTIMEO : ZMQ_SNDTIMEO, before = -1;
    size_t len = sizeof before;
    int r = receive ? zmq_msg_recv(part, s->raw, ZMQ_DONTWAIT) : zmq_msg_send(part, s->raw, flags | ZMQ_DONTWAIT);
    if (r >= 0 || zmq_errno() != EAGAIN || zmq_getsockopt(s->raw, option, &before, &len) < 0) return r;
    int error = EAGAIN;
    for (int64_t left; (left = deadline - now_ms()) > 0;) {
        if (atomic_load(&s->cancelled)) { r = -2; break; }
        int slice = left < SLICE_MS ? (int)left : SLICE_MS;
        r = zmq_setsockopt(s->raw, option, &slice, sizeof slice);
        if (r >= 0) r = receive ? zmq_msg_recv(part, s->raw, 0) : zmq_msg_send(part, s->raw, flags);
        error = r < 0 ? zmq_errno() : 0;
        if (r >= 0 || (error != EAGAIN && error != EINTR)) break;
    }
    zmq_setsockopt(s->raw, option, &before, sizeof before); /* fails only in an ended context */
    errno = error == EINTR ? EAGAIN : error;
    return r;
}

static void refuse_patience(int64_t id, int r) {
    if (r == -2) refuse(id, "terminated", "released by `reset`");
    else refuse_errno(id, zmq_errno());
}

/* 0, or what is wrong with the part. */
static const char *make_part(const Json *part, zmq_msg_t *out) {
    size_t n = 0;
    if (part->kind == STRING) {
        unsigned char *octets = unhex(part->text, &n);
        if (!octets) return "a part is not an even number of hex digits";
        int r = zmq_msg_init_size(out, n);
        if (!r && n) memcpy(zmq_msg_data(out), octets, n);
        free(octets);
        return r ? "no memory for the part" : NULL;
    }
    Json *len = field(part, "len", INT);
    const char *fill = text(part, "fill");
    unsigned char *octet = fill && strlen(fill) == 2 ? unhex(fill, &n) : NULL;
    const char *wrong = !octet || !len || len->number < 0 || (uint64_t)len->number > FILL_LIMIT
        ? "a part is hex, or `fill` of two hex digits with a `len` of at most 1 GiB" : NULL;
    if (!wrong && zmq_msg_init_size(out, (size_t)len->number)) wrong = "no memory for the part";
    if (!wrong) memset(zmq_msg_data(out), *octet, (size_t)len->number);
    free(octet);
    return wrong;
}

static void do_send(Socket *s, int64_t id, const Json *q) {
    Json *parts = field(q, "parts", LIST), *timeout = field(q, "timeout_ms", INT), *more = field(q, "more", BOOL);
    int64_t deadline = deadline_after(timeout->number);
    zmq_msg_t part;
    /* Nothing is sent of a message that has a bad part. */
    for (Json *p = parts->child; p; p = p->next) {
        const char *wrong = make_part(p, &part);
        if (wrong) { refuse(id, "argument", wrong); return; }
        zmq_msg_close(&part);
    }
    if (!parts->child) { refuse(id, "argument", "expected at least one part"); return; }
    for (Json *p = parts->child; p; p = p->next) {
        const char *wrong = make_part(p, &part);
        if (wrong) { refuse(id, "other", wrong); return; }
        int r = patiently(s, 0, &part, p->next || (more && more->number) ? ZMQ_SNDMORE : 0, deadline);
        if (r < 0) {
            refuse_patience(id, r);
            zmq_msg_close(&part);
            return;
        }
    }
    done(id);
}

static void put_metadata(Text *t, zmq_msg_t *part) {
    static const char *names[] = { "Routing-Id", "Identity", "Socket-Type", "User-Id", "Peer-Address", "Resource", "X-Zmqspec" };
    int first = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = zmq_msg_gets(part, names[i]);
        if (!value) continue;
        putf(t, "%s\"%s\":", first ? "" : ",", names[i]);
        put_string(t, value);
        first = 0;
    }
}

static void do_recv(Socket *s, int64_t id, int64_t timeout) {
    int64_t deadline = deadline_after(timeout);
    Text t = begin(id), metadata = { 0 };
    puts_to(&t, ",\"parts\":[");
    puts_to(&metadata, "");
    for (int count = 0, more = 1; more; count++) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        int r = patiently(s, 1, &part, 0, deadline);
        if (r < 0) {
            refuse_patience(id, r);
            zmq_msg_close(&part);
            free(t.at);
            free(metadata.at);
            return;
        }
        if (!count) put_metadata(&metadata, &part);
        const unsigned char *octets = zmq_msg_data(&part);
        size_t len = zmq_msg_size(&part);
        if (count) puts_to(&t, ",");
        if (len > LARGE_PART) {
            unsigned char digest[32];
            sha256(octets, len, digest);
            putf(&t, "{\"len\":%zu,\"sha256\":\"", len);
            put_hex(&t, digest, sizeof digest);
            puts_to(&t, "\"}");
        } else {
            puts_to(&t, "\"");
            put_hex(&t, octets, len);
            puts_to(&t, "\"");
        }
        more = zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    puts_to(&t, "],\"metadata\":{");
    puts_to(&t, metadata.at);
    puts_to(&t, "}}");
    free(metadata.at);
    emit(&t);
}

typedef struct { char *name; void *pair; } Pump;

static void *pump(void *argument) {
    Pump *p = argument;
    for (int64_t seq = 1, last = 0; !last; seq++) {
        unsigned char head[6];
        char endpoint[1024] = { 0 };
        int n = zmq_recv(p->pair, head, sizeof head, 0);
        if (n < 0 && zmq_errno() == EINTR) { seq--; continue; }
        if (n != sizeof head || zmq_recv(p->pair, endpoint, sizeof endpoint - 1, 0) < 0) break;
        uint16_t event;
        uint32_t value;
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + 2, sizeof value);
        Text t = { 0 };
        puts_to(&t, "{\"event\":\"monitor\",\"s\":");
        put_string(&t, p->name);
        size_t bit = 0;
        while (bit < 16 && !(event >> bit & 1)) bit++;
        if (bit < sizeof EVENTS / sizeof *EVENTS) putf(&t, ",\"name\":\"%s\"", EVENTS[bit]);
        else putf(&t, ",\"name\":\"event_0x%04x\"", event);
        putf(&t, ",\"value\":%u,\"endpoint\":", value);
        put_string(&t, endpoint);
        putf(&t, ",\"seq\":%lld}", (long long)seq);
        emit(&t);
        last = event == ZMQ_EVENT_MONITOR_STOPPED;
    }
    zmq_close(p->pair);
    free(p->name);
    free(p);
    leave(&others);
    return NULL;
}

static void do_monitor(Socket *s, int64_t id) {
    static atomic_int number;
    char endpoint[64];
    int zero = 0;
    snprintf(endpoint, sizeof endpoint, "inproc://adapter.monitor.%d", atomic_fetch_add(&number, 1));
    void *pair = zmq_socket(s->ctx, ZMQ_PAIR);
    if (!pair || zmq_setsockopt(pair, ZMQ_LINGER, &zero, sizeof zero) < 0 || zmq_setsockopt(pair, ZMQ_RCVHWM, &zero, sizeof zero) < 0
        || zmq_socket_monitor(s->raw, endpoint, ZMQ_EVENT_ALL) < 0 || zmq_connect(pair, endpoint) < 0) {
        refuse_errno(id, zmq_errno());
        if (pair) zmq_close(pair);
        return;
    }
    Pump *p = checked(malloc(sizeof *p));
    *p = (Pump){ checked(strdup(s->name)), pair };
    done(id); /* before the first event */
    if (!start(pump, p, &others)) { zmq_close(pair); free(p->name); free(p); }
}

static int set_linger(void *raw, int64_t ms) {
    int linger = (int)ms;
    int r = zmq_setsockopt(raw, ZMQ_LINGER, &linger, sizeof linger);
    return r < 0 && zmq_errno() == ETERM ? 0 : r;
}

static void do_request(Socket *s, int64_t id, const Json *q) {
    const char *verb = text(q, "do"), *endpoint = text(q, "endpoint"), *class, *words;
    if (!strcmp(verb, "set")) {
        Json *value = q->child;
        while (strcmp(value->key, "value")) value = value->next;
        if (set_option(s->raw, text(q, "option"), value, &class, &words) < 0) refuse_option(id, class, words);
        else done(id);
    } else if (!strcmp(verb, "get")) do_get(s, id, text(q, "option"));
    else if (!strcmp(verb, "bind") || !strcmp(verb, "connect")) do_attach(s, id, verb, endpoint);
    else if (!strcmp(verb, "unbind")) settle_with(id, zmq_unbind(s->raw, endpoint));
    else if (!strcmp(verb, "disconnect")) settle_with(id, zmq_disconnect(s->raw, endpoint));
    else if (!strcmp(verb, "send")) do_send(s, id, q);
    else if (!strcmp(verb, "recv")) do_recv(s, id, field(q, "timeout_ms", INT)->number);
    else if (!strcmp(verb, "monitor")) do_monitor(s, id);
    else {
        int events;
        size_t len = sizeof events;
        settle_with(id, zmq_getsockopt(s->raw, ZMQ_EVENTS, &events, &len));
    }
}

/* Answers a poll's question, and drops it. */
static void tell_ready(Socket *s, Ready *r) {
    int events = 0;
    size_t len = sizeof events;
    if (s->raw && zmq_getsockopt(s->raw, ZMQ_EVENTS, &events, &len) < 0) events = 0;
    pthread_mutex_lock(&r->lock);
    r->events = events;
    r->answered = 1;
    pthread_cond_signal(&r->change);
    pthread_mutex_unlock(&r->lock);
}

static void *own(void *argument) {
    Socket *s = argument;
    while (s->raw) {
        pthread_mutex_lock(&s->lock);
        while (!s->first && !s->quit) pthread_cond_wait(&s->change, &s->lock);
        Job *j = s->first;
        if (j && !(s->first = j->next)) s->last = &s->first;
        pthread_mutex_unlock(&s->lock);
        if (!j) {
            set_linger(s->raw, 0);
            zmq_close(s->raw);
            s->raw = NULL;
        } else if (j->ready) tell_ready(s, j->ready);
        else if (strcmp(text(j->request, "do"), "close")) do_request(s, j->id, j->request);
        else {
            Json *linger = field(j->request, "linger", INT);
            if (set_linger(s->raw, linger ? linger->number : 0) < 0) set_linger(s->raw, 0);
            zmq_close(s->raw);
            s->raw = NULL;
            done(j->id);
        }
        if (j) job_free(j);
    }
    socket_drop(s);
    leave(&owners);
    return NULL;
}

/* ---- poll ---- */

typedef struct { Socket *socket; int bit; Json *item; } Watched;
typedef struct { int64_t id, deadline; Json *request; size_t len; Watched at[]; } Poll;

/* The socket's events; 0 where its thread is busy until the deadline. */
static int ask_ready(Socket *s, int64_t deadline) {
    Ready *r = checked(calloc(1, sizeof *r));
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->change, NULL);
    r->holders = 2;
    hand_over(s, 0, NULL, r);
    int64_t patience = now_ms() + SLICE_MS;
    if (deadline > patience) patience = deadline;
    pthread_mutex_lock(&r->lock);
    for (int64_t left; !r->answered && !atomic_load(&polls_cancelled) && (left = patience - now_ms()) > 0;)
        wait_ms(&r->change, &r->lock, left < SLICE_MS ? left : SLICE_MS);
    int events = r->answered ? r->events : 0;
    pthread_mutex_unlock(&r->lock);
    ready_drop(r);
    return events;
}

static void *poll_all(void *argument) {
    Poll *p = argument;
    Text t = begin(p->id);
    puts_to(&t, ",\"ready\":[");
    for (int found = 0, over = 0; !found && !over;) {
        over = now_ms() >= p->deadline || atomic_load(&polls_cancelled);
        for (size_t i = 0; i < p->len; i++) {
            if (!(ask_ready(p->at[i].socket, p->deadline) & p->at[i].bit)) continue;
            puts_to(&t, found++ ? ",{\"s\":" : "{\"s\":");
            put_string(&t, text(p->at[i].item, "s"));
            putf(&t, ",\"on\":\"%s\"}", text(p->at[i].item, "on"));
        }
        /* The owners' sockets cannot be waited for from here, so they are asked again soon. */
        if (!found && !over) nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
    puts_to(&t, "]}");
    emit(&t);
    for (size_t i = 0; i < p->len; i++) socket_drop(p->at[i].socket);
    json_free(p->request);
    free(p);
    leave(&others);
    return NULL;
}

static Socket *socket_named(const char *name) {
    for (Socket *s = sockets; s; s = s->next)
        if (!strcmp(s->name, name)) return s;
    return NULL;
}

/* Takes the request over if it returns 0; else the words of the refusal. */
static const char *do_poll(int64_t id, Json *q) {
    size_t len = 0;
    for (Json *i = field(q, "items", LIST)->child; i; i = i->next, len++) {
        const char *s = text(i, "s"), *on = text(i, "on");
        if (!s || !socket_named(s)) return "an item names no socket that there is";
        if (!on || (strcmp(on, "in") && strcmp(on, "out"))) return "`on` is `in` or `out`";
    }
    Poll *p = checked(calloc(1, sizeof *p + len * sizeof *p->at));
    *p = (Poll){ .id = id, .deadline = deadline_after(field(q, "timeout_ms", INT)->number), .request = q };
    for (Json *i = field(q, "items", LIST)->child; i; i = i->next) {
        Socket *s = socket_named(text(i, "s"));
        pthread_mutex_lock(&s->lock);
        s->holders++;
        pthread_mutex_unlock(&s->lock);
        p->at[p->len++] = (Watched){ s, strcmp(text(i, "on"), "in") ? ZMQ_POLLOUT : ZMQ_POLLIN, i };
    }
    if (start(poll_all, p, &others)) return NULL;
    for (size_t i = 0; i < p->len; i++) socket_drop(p->at[i].socket);
    free(p);
    return "no thread can be started";
}

/* ---- hello ---- */

static int knows(void **probes, const Option *o) {
    if (o->on >= 0) {
        return !(o->octets ? zmq_setsockopt(probes[o->on], o->number, o->octets, strlen(o->octets))
                           : zmq_setsockopt(probes[o->on], o->number, &o->value, sizeof o->value));
    }
    static const size_t sizes[] = { 4, 8, 32, 255 };
    char room[256];
    for (size_t i = 0; i < 4; i++) {
        size_t len = sizes[i];
        if (!zmq_getsockopt(probes[o->on == -1 ? ZMQ_DEALER : -2 - o->on], o->number, room, &len)) return 1;
    }
    return 0;
}

/* A connection to the endpoint that has written these octets, or -1. */
static int dial(const char *endpoint, const void *octets, size_t len) {
    struct sockaddr_in to = { .sin_family = AF_INET };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = { .tv_usec = 500000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!connect(fd, (struct sockaddr *)&to, sizeof to) && send(fd, octets, len, MSG_NOSIGNAL) == (ssize_t)len) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* The first 12 octets that answer these; whether they came. */
static int exchange(const char *endpoint, const void *octets, size_t len, unsigned char *head) {
    int fd = dial(endpoint, octets, len);
    int came = fd >= 0 && recv(fd, head, 12, MSG_WAITALL) == 12;
    if (fd >= 0) close(fd);
    return came;
}

/* The versions of ZMTP that the library speaks, found out on the wire. */
static void put_zmtp(Text *t, void *dealer) {
    static const unsigned char signature[10] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f };
    char endpoint[256] = { 0 }, body = 0;
    size_t len = sizeof endpoint - 1;
    int patience = 500, count = 0;
    unsigned char greeting[64] = { 0 }, head[12];
    if (zmq_bind(dealer, "tcp://127.0.0.1:*") || zmq_getsockopt(dealer, ZMQ_LAST_ENDPOINT, endpoint, &len)) return;
    memcpy(greeting, signature, sizeof signature);
    memcpy(greeting + 10, "\3\1NULL", 6);
    if (exchange(endpoint, greeting, sizeof greeting, head) && head[10] == 3)
        for (int minor = head[11] > 9 ? 9 : head[11]; minor >= 0; minor--) putf(t, "%s\"3.%d\"", count++ ? "," : "", minor);
    memcpy(greeting + 10, "\1\5\0\0", 4); /* revision 1 is ZMTP 2.0; socket type DEALER; an empty routing id */
    if (exchange(endpoint, greeting, 14, head) && head[11] == 5) putf(t, "%s\"2.0\"", count++ ? "," : "");
    int fd = dial(endpoint, "\1\0\2\0" "1", 5); /* 1.0: an empty routing id, and a message */
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience, sizeof patience);
    if (fd >= 0 && zmq_recv(dealer, &body, 1, 0) == 1 && body == '1') putf(t, "%s\"1.0\"", count ? "," : "");
    if (fd >= 0) close(fd);
}

static int has(const char *feature) {
    char upper[16] = { 0 };
    for (size_t i = 0; feature[i] && i < sizeof upper - 1; i++) upper[i] = (char)(feature[i] - 32);
    return zmq_has(feature) || zmq_has(upper);
}

/* Those of the words that the library has, behind what is there already. */
static void put_features(Text *t, const char *const *words, const char *separator) {
    for (; *words; words++)
        if (has(*words)) { putf(t, "%s\"%s\"", separator, *words); separator = ","; }
}

static void do_hello(int64_t id) {
    int major, minor, patch, first = 1;
    zmq_version(&major, &minor, &patch);
    void *ctx = zmq_ctx_new(), *probes[TYPES_LEN] = { 0 };
    Text t = begin(id);
    putf(&t, ",\"protocol\":1,\"name\":\"libzmq\",\"version\":\"%d.%d.%d\",\"commit\":\"\"", major, minor, patch);
    Dl_info info;
    char *path = dladdr((void *)(uintptr_t)&zmq_version, &info) && info.dli_fname ? realpath(info.dli_fname, NULL) : NULL;
    if (path) { puts_to(&t, ",\"path\":"); put_string(&t, path); }
    free(path);
    puts_to(&t, ",\"sockets\":[");
    for (size_t i = 0; i < TYPES_LEN; i++) {
        int zero = 0;
        if (!(probes[TYPES[i].type] = zmq_socket(ctx, TYPES[i].type))) continue;
        zmq_setsockopt(probes[TYPES[i].type], ZMQ_LINGER, &zero, sizeof zero);
        putf(&t, "%s\"%s\"", first ? "" : ",", TYPES[i].name);
        first = 0;
    }
    static const char *const transports[] = { "ipc", "tipc", "ws", "wss", "pgm", "norm", "vmci", NULL };
    static const char *const features[] = { "curve", "draft", "gssapi", "ipc", "norm", "pgm", "tipc", "vmci", "ws", "wss", NULL };
    puts_to(&t, "],\"roles\":[\"bind\",\"connect\"],\"transports\":[\"tcp\",\"inproc\"");
    put_features(&t, transports, ",");
    putf(&t, "],\"mechanisms\":[\"NULL\",\"PLAIN\"%s%s],\"zmtp\":[", has("curve") ? ",\"CURVE\"" : "", has("gssapi") ? ",\"GSSAPI\"" : "");
    void *dealer = zmq_socket(ctx, ZMQ_DEALER);
    put_zmtp(&t, dealer);
    puts_to(&t, "],\"options\":{");
    first = 1;
    for (size_t i = 0; i < OPTIONS_LEN; i++) {
        if (!knows(probes, &OPTIONS[i])) continue;
        putf(&t, "%s\"%s\":\"%s\"", first ? "" : ",", OPTIONS[i].name, declared(OPTIONS[i].kind));
        first = 0;
    }
    puts_to(&t, "},\"features\":[");
    put_features(&t, features, "");
    puts_to(&t, "]}");
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (probes[i]) zmq_close(probes[i]);
    zmq_close(dealer);
    zmq_ctx_term(ctx);
    emit(&t);
}

/* ---- contexts, open, reset ---- */

static Context *context_named(const char *name) {
    for (Context *c = contexts; c; c = c->next)
        if (!strcmp(c->name, name)) return c;
    return NULL;
}

static Context *make_context(const char *name) {
    Context *c = checked(calloc(1, sizeof *c));
    *c = (Context){ checked(strdup(name)), checked(zmq_ctx_new()), contexts };
    return contexts = c;
}

static void do_context(int64_t id, const Json *q) {
    if (context_named(text(q, "ctx"))) { refuse(id, "argument", "there is a context of that name"); return; }
    Context *c = make_context(text(q, "ctx"));
    Json *options = field(q, "options", OBJECT);
    for (Json *o = options ? options->child : NULL; o; o = o->next) {
        size_t i = 0, n = sizeof CONTEXT_OPTIONS / sizeof *CONTEXT_OPTIONS;
        while (i < n && strcmp(CONTEXT_OPTIONS[i].name, o->key)) i++;
        const char *class = i == n ? "unsupported" : o->kind != INT || o->number != (int)o->number ? "argument" : NULL;
        if (!class && !zmq_ctx_set(c->raw, CONTEXT_OPTIONS[i].number, (int)o->number)) continue;
        if (class) refuse(id, class, "unknown context option, or a value of another type");
        else refuse_errno(id, zmq_errno());
        contexts = c->next;
        zmq_ctx_term(c->raw);
        free(c->name);
        free(c);
        return;
    }
    done(id);
}

static void do_open(int64_t id, const Json *q) {
    const char *name = text(q, "s"), *ctx = text(q, "ctx"), *class = NULL, *words = NULL;
    size_t i = 0;
    while (i < TYPES_LEN && strcmp(TYPES[i].name, text(q, "type"))) i++;
    if (i == TYPES_LEN) { refuse(id, "unsupported", "unknown socket type"); return; }
    if (socket_named(name)) { refuse(id, "argument", "there is a socket of that name"); return; }
    Context *c = context_named(ctx ? ctx : "");
    if (!c && ctx) { refuse(id, "argument", "there is no context of that name"); return; }
    if (!c) c = make_context("");
    void *raw = zmq_socket(c->raw, TYPES[i].type);
    if (!raw) { refuse_errno(id, zmq_errno()); return; }
    Json *options = field(q, "options", OBJECT);
    for (Json *o = options ? options->child : NULL; o; o = o->next)
        if (set_option(raw, o->key, o, &class, &words) < 0) {
            refuse_option(id, class, words);
            zmq_close(raw);
            return;
        }
    Socket *s = checked(calloc(1, sizeof *s));
    *s = (Socket){ .name = checked(strdup(name)), .raw = raw, .ctx = c->raw, .holders = 2 };
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->change, NULL);
    s->last = &s->first;
    if (!start(own, s, &owners)) {
        zmq_close(raw);
        s->holders = 1;
        socket_drop(s);
        refuse(id, "other", "no thread can be started");
        return;
    }
    s->next = sockets;
    sockets = s;
    done(id);
}

static void socket_unlist(Socket *s) {
    for (Socket **at = &sockets; *at; at = &(*at)->next)
        if (*at == s) { *at = s->next; return; }
}

static int ending; /* under `life_lock`: contexts that are being terminated */

static void *end_context(void *argument) {
    zmq_ctx_term(argument);
    leave(&ending);
    return NULL;
}

/* Sockets first, with linger 0, then the contexts. What does not end in time is left and counted. */
static int reset(void) {
    int64_t deadline = now_ms() + RESET_MS;
    atomic_store(&polls_cancelled, 1);
    for (Socket *s = sockets, *next; s; s = next) {
        next = s->next;
        atomic_store(&s->cancelled, 1);
        pthread_mutex_lock(&s->lock);
        s->quit = 1;
        pthread_cond_signal(&s->change);
        pthread_mutex_unlock(&s->lock);
        socket_drop(s);
    }
    sockets = NULL;
    int ended = wait_for(&owners, deadline);
    for (Context *c = contexts; c; c = c->next) zmq_ctx_shutdown(c->raw); /* releases monitors */
    ended = wait_for(&others, deadline) && ended;
    for (Context *c = contexts, *next; c; c = next) {
        next = c->next;
        start(end_context, c->raw, &ending);
        free(c->name);
        free(c);
    }
    contexts = NULL;
    ended = wait_for(&ending, deadline) && ended;
    pthread_mutex_lock(&life_lock);
    Thread *list = threads;
    threads = ended ? NULL : threads;
    int left = owners;
    pthread_mutex_unlock(&life_lock);
    for (Thread *next; ended && list; list = next) { /* they have left; what joins here is their last instruction */
        next = list->next;
        pthread_join(list->id, NULL);
        free(list);
    }
    atomic_store(&polls_cancelled, 0);
    return left;
}

static long long status_field(const char *name) {
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    long long value = 0;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name))) value = atoll(line + strlen(name));
    if (f) fclose(f);
    return value;
}

static void do_reset(int64_t id) {
    int left = reset();
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* the two dots, and the folder itself */
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    Text t = begin(id);
    putf(&t, ",\"left\":{\"sockets\":%d,\"threads\":%lld,\"descriptors\":%d,\"bytes\":%lld}}", left, status_field("Threads:"),
         count < 0 ? 0 : count, status_field("VmRSS:") * 1024);
    emit(&t);
}

/* ---- the control loop ---- */

/* Verbs and the fields that each must have: s text, i number, l list, * any. */
static const struct { const char *verb; struct { const char *name; char kind; } fields[3]; } VERBS[] = {
    { "hello", { { "protocol", 'i' } } }, { "context", { { "ctx", 's' } } }, { "term", { { "ctx", 's' } } },
    { "open", { { "s", 's' }, { "type", 's' } } }, { "close", { { "s", 's' } } },
    { "set", { { "s", 's' }, { "option", 's' }, { "value", '*' } } }, { "get", { { "s", 's' }, { "option", 's' } } },
    { "bind", { { "s", 's' }, { "endpoint", 's' } } }, { "connect", { { "s", 's' }, { "endpoint", 's' } } },
    { "unbind", { { "s", 's' }, { "endpoint", 's' } } }, { "disconnect", { { "s", 's' }, { "endpoint", 's' } } },
    { "send", { { "s", 's' }, { "parts", 'l' }, { "timeout_ms", 'i' } } }, { "recv", { { "s", 's' }, { "timeout_ms", 'i' } } },
    { "poll", { { "items", 'l' }, { "timeout_ms", 'i' } } }, { "settle", { { "s", 's' } } }, { "monitor", { { "s", 's' } } },
    { "reset", { { NULL, 0 } } } };

/* Whether the verb is known (-1 if not) and has its fields. */
static int well_formed(const char *verb, const Json *q) {
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++) {
        if (strcmp(VERBS[i].verb, verb)) continue;
        for (int f = 0; f < 3 && VERBS[i].fields[f].name; f++) {
            const char *name = VERBS[i].fields[f].name, kind = VERBS[i].fields[f].kind;
            if (kind == '*' ? !has_field(q, name) : !field(q, name, kind == 's' ? STRING : kind == 'i' ? INT : LIST)) return 0;
        }
        Json *timeout = field(q, "timeout_ms", INT);
        return !timeout || timeout->number >= 0;
    }
    return -1;
}

/* Takes the request over. */
static void on_request(int64_t id, const char *verb, Json *q) {
    const char *name = text(q, "s");
    if (!strcmp(verb, "hello")) {
        if (field(q, "protocol", INT)->number == 1) do_hello(id);
        else refuse(id, "unsupported", "expected protocol 1");
    } else if (!strcmp(verb, "reset")) do_reset(id);
    else if (!strcmp(verb, "context")) do_context(id, q);
    else if (!strcmp(verb, "term")) {
        Context *c = context_named(text(q, "ctx"));
        if (c) settle_with(id, zmq_ctx_shutdown(c->raw));
        else refuse(id, "argument", "there is no context of that name");
    } else if (!strcmp(verb, "open")) do_open(id, q);
    else if (!strcmp(verb, "poll")) {
        const char *wrong = do_poll(id, q);
        if (!wrong) return;
        refuse(id, "argument", wrong);
    } else if (!socket_named(name)) refuse(id, "argument", "there is no socket of that name");
    else {
        Socket *s = socket_named(name);
        int closes = !strcmp(verb, "close");
        hand_over(s, id, q, NULL);
        if (closes) { socket_unlist(s); socket_drop(s); }
        return;
    }
    json_free(q);
}

static void on_line(const char *line, size_t len) {
    Json *q = strlen(line) == len ? read_json(line) : NULL;
    Json *number = field(q, "id", INT);
    int64_t id = number && number->number >= 0 ? number->number : -1;
    const char *verb = text(q, "do");
    int form = verb ? well_formed(verb, q) : 0;
    if (id < 0) refuse(0, "argument", "expected a JSON object with an `id` that is a whole number");
    else if (!verb) refuse(id, "argument", "expected a `do` that names the request");
    else if (form < 0) refuse(id, "unsupported", "unknown request");
    else if (!form) refuse(id, "argument", "a field is missing or has another type");
    else { on_request(id, verb, q); return; }
    json_free(q);
}

int main(void) {
    /* Whatever else prints on stdout goes to stderr from here on. */
    out_fd = dup(1);
    if (out_fd < 0 || dup2(2, 1) < 0) { perror("adapter: dup"); return 1; }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        if ((size_t)n > LINE_LIMIT) { refuse(0, "argument", "a line is longer than 64 MiB"); break; }
        while (n && strchr(" \t\r\n", line[n - 1]) && line[n - 1]) line[--n] = 0;
        if (n) on_line(line, (size_t)n);
    }
    free(line);
    reset();
    return 0;
}
