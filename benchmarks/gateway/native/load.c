// Clients: as many connections as asked, each sending one request after another, in one thread on epoll.
//
//     load PORT REQUEST_FILE CONNECTIONS RAMP_MS WARMUP_MS WINDOW_MS CHUNKS
//
// REQUEST_FILE holds one whole HTTP request, sent as it is. Connections open evenly over RAMP_MS. The window begins
// WARMUP_MS later: "begin" is printed, then "end" WINDOW_MS later, so that whoever reads can look at the clock of the
// subject's processes at both. The streams run on until standard input is closed; then one line of JSON tells what was
// seen inside the window.
//
// CHUNKS > 0: answers are streams of so many marked chunks ("@" and eighteen digits, see upstream.c); a stream with
// another number of them is an error, and each chunk's lag is its arrival less its mark. Else latency is taken from
// the request's write to the last byte of its answer. Every answer is framed and read to its end, not just counted.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 16384, READ = 262144, EVENTS = 512, SAMPLES = 1 << 23, TOO_MANY_ERRORS = 2000 };

typedef enum { IN_HEAD, BY_LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, TO_CLOSE } Where;

typedef struct {
    int fd;
    Where where;
    int head_len, line_len;
    uint64_t left, sent_ns;
    int digit;  // of a mark that is being read; -1: none
    uint64_t mark;
    long marks;
    char head[HEAD];
} Conn;

static struct {
    uint64_t answers, chunks, errors, bytes;
    uint32_t *samples;  // tenths of a microsecond
    size_t count;
} seen;

static int epoll_fd, port, chunks_expected;
static char *request;
static size_t request_len;
static bool in_window;
static uint64_t now;  // when the bytes at hand were read
static char complaint[512];

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sample(uint64_t ns) {
    if (in_window && seen.count < SAMPLES) seen.samples[seen.count++] = (uint32_t)(ns / 100);
}

static void error(const char *what, const char *detail, int len) {
    seen.errors++;
    if (!*complaint) snprintf(complaint, sizeof complaint, "%s %.*s", what, len, detail);
}

static void say(Conn *c) {
    c->where = IN_HEAD;
    c->head_len = 0;
    c->digit = -1;
    c->marks = 0;
    c->sent_ns = now_ns();
    // A request is a few hundred bytes: the socket's buffer takes it whole.
    if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len) error("write", strerror(errno), 100);
}

static void dial(Conn *c) {
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);  // on loopback connect takes microseconds, so it may block
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) {
        perror("connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
    say(c);
}

static void redial(Conn *c) {
    close(c->fd);
    dial(c);
}

// ---- an answer ----

static void body(Conn *c, const char *data, size_t len) {
    if (in_window) seen.bytes += len;
    if (!chunks_expected) return;
    const char *at = data, *end = data + len;
    while (at < end) {
        if (c->digit < 0) {
            at = memchr(at, '@', (size_t)(end - at));
            if (!at) return;
            at++;
            c->digit = 0;
            c->mark = 0;
        }
        while (at < end && c->digit < 18) c->mark = c->mark * 10 + (uint64_t)(*at++ - '0'), c->digit++;
        if (c->digit == 18) {
            c->digit = -1;
            c->marks++;
            if (in_window) seen.chunks++;
            sample(now - c->mark);
        }
    }
}

static void done(Conn *c) {
    if (chunks_expected && c->marks != chunks_expected) error("chunks missing:", "", 0);
    else if (in_window) seen.answers++;
    if (!chunks_expected) sample(now - c->sent_ns);
}

// The head is complete: how is the body framed? False for what is no 200.
static bool frame(Conn *c, char *end) {
    *end = 0;
    if (strncmp(c->head + 8, " 200", 4)) {
        error("not 200:", c->head, 300);
        return false;
    }
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (length) {
        c->where = BY_LENGTH;
        c->left = strtoull(length + 17, NULL, 10);
    } else if (strcasestr(c->head, "\r\ntransfer-encoding: chunked")) {
        c->where = CHUNK_SIZE;
        c->left = 0;
    } else {
        c->where = TO_CLOSE;
    }
    return true;
}

static size_t take_head(Conn *c, const char *data, size_t len, bool *good) {
    size_t room = HEAD - 1 - (size_t)c->head_len, n = len < room ? len : room;
    memcpy(c->head + c->head_len, data, n);
    int before = c->head_len;
    c->head_len += (int)n;
    char *end = memmem(c->head, (size_t)c->head_len, "\r\n\r\n", 4);
    if (end) {
        n = (size_t)(end + 4 - c->head - before);
        *good = frame(c, end + 2);
    } else if (c->head_len == HEAD - 1) {
        *good = false;
    }
    return n;
}

// Feed what was read. 1: the answer is complete, 0: more is to come, -1: broken.
static int feed(Conn *c, const char *data, size_t len) {
    while (len) {
        size_t n = 1;
        char *newline;
        bool good = true;
        switch (c->where) {
        case IN_HEAD:
            n = take_head(c, data, len, &good);
            if (!good) return -1;
            if (c->where == BY_LENGTH && !c->left) return 1;
            break;
        case BY_LENGTH:
        case CHUNK_DATA:
            n = len < c->left ? len : c->left;
            body(c, data, n);
            c->left -= n;
            if (!c->left && c->where == BY_LENGTH) return 1;
            if (!c->left) c->where = CHUNK_END;
            break;
        case CHUNK_SIZE:
            if (*data == '\n') {
                c->where = c->left ? CHUNK_DATA : TRAILER;
                c->line_len = 0;
            } else if (*data != '\r') {
                c->left = c->left * 16 + (uint64_t)(*data <= '9' ? *data - '0' : (*data | 32) - 'a' + 10);
            }
            break;
        case CHUNK_END:
            newline = memchr(data, '\n', len);
            n = newline ? (size_t)(newline + 1 - data) : len;
            if (newline) c->where = CHUNK_SIZE;
            break;
        case TRAILER:
            if (*data == '\n' && !c->line_len) return 1;
            if (*data == '\n') c->line_len = 0;
            else if (*data != '\r') c->line_len++;
            break;
        case TO_CLOSE:
            n = len;
            body(c, data, n);
            break;
        }
        data += n;
        len -= n;
    }
    return 0;
}

static void readable(Conn *c) {
    static char data[READ];
    ssize_t n = recv(c->fd, data, READ, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    now = now_ns();
    if (n <= 0) {
        if (c->where == TO_CLOSE) done(c);
        else error("closed early", "", 0);
        redial(c);
        return;
    }
    int state = feed(c, data, (size_t)n);
    if (state > 0) {
        done(c);
        if (strcasestr(c->head, "\r\nconnection: close")) redial(c);
        else say(c);
    } else if (state < 0) {
        if (!*complaint) error("not understood", "", 0);
        redial(c);
    }
}

// ---- the run ----

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double quantile_us(double q) {
    return seen.count ? seen.samples[(size_t)(q * (double)(seen.count - 1))] / 10.0 : 0;
}

static void report(double seconds) {
    qsort(seen.samples, seen.count, sizeof *seen.samples, by_size);
    for (char *at = complaint; *at; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < 32) *at = ' ';
    printf("{\"seconds\": %.4f, \"answers\": %llu, \"chunks\": %llu, \"errors\": %llu, \"bytes\": %llu, \"p50_us\": %.1f, "
           "\"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"complaint\": \"%s\"}\n",
           seconds, (unsigned long long)seen.answers, (unsigned long long)seen.chunks, (unsigned long long)seen.errors,
           (unsigned long long)seen.bytes, quantile_us(.5), quantile_us(.9), quantile_us(.99), quantile_us(1), complaint);
}

static void announce(const char *what) {
    puts(what);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    port = atoi(argv[1]);
    int connections = atoi(argv[3]), opened = 0;
    uint64_t ramp = strtoull(argv[4], NULL, 10) * 1000000u, warmup = strtoull(argv[5], NULL, 10) * 1000000u;
    uint64_t window = strtoull(argv[6], NULL, 10) * 1000000u;
    chunks_expected = atoi(argv[7]);
    FILE *file = fopen(argv[2], "rb");
    if (!file) return 2;
    request = malloc(HEAD);
    request_len = fread(request, 1, HEAD, file);
    signal(SIGPIPE, SIG_IGN);
    seen.samples = malloc(SAMPLES * sizeof *seen.samples);
    Conn *conns = calloc((size_t)connections, sizeof *conns);
    epoll_fd = epoll_create1(0);
    struct epoll_event events[EVENTS], input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &input);

    uint64_t start = now_ns(), begin = start + ramp + warmup, end = 0, began = 0;
    double seconds = 0;
    for (bool asked = false; !asked && seen.errors < TOO_MANY_ERRORS;) {
        uint64_t t = now_ns();
        while (opened < connections && t >= start + ramp * (uint64_t)opened / (uint64_t)connections) dial(&conns[opened++]);
        if (!began && t >= begin) {
            announce("begin");
            began = now_ns();
            end = began + window;
            in_window = true;
        }
        if (in_window && t >= end) {
            in_window = false;
            seconds = (double)(now_ns() - began) / 1e9;
            announce("end");
        }
        int n = epoll_wait(epoll_fd, events, EVENTS, opened < connections ? 1 : 5);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) readable(events[i].data.ptr);
            else asked = true;
        }
    }
    if (seen.errors >= TOO_MANY_ERRORS) announce("failed");
    report(seconds);
    return 0;
}
