// A fake engine that is much faster than anything measured before it: one thread, epoll, canned answers.
//
//     upstream PORT...        listens on 127.0.0.1 at each port, prints "ready", runs until it is killed
//
// It speaks as much of OpenAI's dialect (chat completions, /v1/models) and of Ollama's (/api/chat and what a gateway
// asks before it) as a gateway needs to be measured. What a stream looks like stands in the prompt, since prompts
// survive every gateway: "chunks=250 interval_us=20000". Each chunk is one write, as engines flush token by token, and
// carries the time of that write: "@" and eighteen digits, CLOCK_MONOTONIC nanoseconds. The client, on the same machine,
// subtracts. With interval 0 all streams take turns, a chunk each, as quickly as the reader lets them.

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

enum { IN = 65536, OUT = 4096, EVENTS = 512 };

typedef enum { OPENAI, OLLAMA } Dialect;

typedef struct Conn {
    int fd;
    int in_len, out_off, out_len;  // `out` holds what the socket did not take
    bool streaming, queued, usage;
    Dialect dialect;
    long sent, chunks;  // events of the stream: 0 opens it, then the chunks, then its end
    uint64_t interval_ns, due_ns;
    struct Conn *next;  // in the queue of streams that have a next write
    char in[IN], out[OUT];
} Conn;

static int epoll_fd;
static Conn *head, *tail;  // by due time: all streams of one run have one interval, so appending keeps the order
static int queue_len;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void enqueue(Conn *c) {
    c->next = NULL;
    c->queued = true;
    if (tail) tail->next = c; else head = c;
    tail = c;
    queue_len++;
}

static Conn *dequeue(void) {
    Conn *c = head;
    head = c->next;
    if (!head) tail = NULL;
    c->queued = false;
    queue_len--;
    return c;
}

static void unqueue(Conn *c) {
    if (!c->queued) return;
    Conn **at = &head, *before = NULL;
    while (*at != c) before = *at, at = &(*at)->next;
    *at = c->next;
    if (tail == c) tail = before;
    c->queued = false;
    queue_len--;
}

static void drop(Conn *c) {
    unqueue(c);
    close(c->fd);
    free(c);
}

static void watch(Conn *c, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

// False if the reader is gone. What the socket does not take is kept, and EPOLLOUT asked for.
static bool put(Conn *c, const char *data, int len) {
    ssize_t n = send(c->fd, data, (size_t)len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) n = 0;
    if (n < len) {
        memcpy(c->out, data + n, (size_t)(len - n));
        c->out_off = 0;
        c->out_len = len - (int)n;
        watch(c, EPOLLIN | EPOLLOUT);
    }
    return true;
}

// ---- answers ----

#define FRAME "\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
#define WORDS "Rivers carry the rain to the sea, and the wind carries it back again as cloud over the hills."

static const char WHOLE[] =
    "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{"
    "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" WORDS "\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":21,\"total_tokens\":45}}";

static const struct { const char *path, *body; } CANNED[] = {
    {"/v1/models", "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"created\":1700000000,"
                   "\"owned_by\":\"bench\"}]}"},
    {"/api/version", "{\"version\":\"0.12.6\"}"},
    {"/api/tags", "{\"models\":[{\"name\":\"bench-ollama:latest\",\"model\":\"bench-ollama:latest\",\"modified_at\":"
                  "\"2026-01-01T00:00:00Z\",\"size\":1000,\"digest\":\"abc123\",\"details\":{\"format\":\"gguf\","
                  "\"family\":\"llama\",\"parameter_size\":\"1B\",\"quantization_level\":\"Q4_0\"}}]}"},
    {"/api/ps", "{\"models\":[]}"},
    {"/api/show", "{\"details\":{\"format\":\"gguf\",\"family\":\"llama\"},\"model_info\":{\"general.architecture\":"
                  "\"llama\",\"llama.context_length\":8192},\"capabilities\":[\"completion\"]}"},
    // What routers for SGLang and vLLM ask a worker before they send it anything.
    {"/server_info", "{\"model_path\":\"bench\",\"served_model_name\":\"bench\",\"tp_size\":1,\"dp_size\":1}"},
    {"/get_server_info", "{\"model_path\":\"bench\",\"served_model_name\":\"bench\",\"tp_size\":1,\"dp_size\":1}"},
    {"/model_info", "{\"model_path\":\"bench\",\"is_generation\":true}"},
    {"/get_model_info", "{\"model_path\":\"bench\",\"is_generation\":true}"},
};

static bool answer(Conn *c, const char *body) {
    char text[2048];
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                     strlen(body), body);
    return put(c, text, n);
}

// One event as an HTTP chunk. `OUT` is far larger than any of them.
static int chunked(char *to, const char *event, int len) {
    int n = sprintf(to, "%x\r\n", (unsigned)len);
    memcpy(to + n, event, (size_t)len);
    memcpy(to + n + len, "\r\n", 2);
    return n + len + 2;
}

static int openai_event(Conn *c, char *to) {
    if (c->sent == 0)
        return sprintf(to, "data: {" FRAME "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                           "\"finish_reason\":null}]}\n\n");
    if (c->sent <= c->chunks)
        return sprintf(to, "data: {" FRAME "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" @%018llu\"},"
                           "\"finish_reason\":null}]}\n\n", (unsigned long long)now_ns());
    int n = sprintf(to, "data: {" FRAME "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    if (c->usage)
        n += sprintf(to + n, "data: {" FRAME "\"choices\":[],\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":%ld,"
                             "\"total_tokens\":%ld}}\n\n", c->chunks, c->chunks + 24);
    return n + sprintf(to + n, "data: [DONE]\n\n");
}

static int ollama_event(Conn *c, char *to) {
    const char *frame = "\"model\":\"bench-ollama\",\"created_at\":\"2026-01-01T00:00:00.000000Z\"";
    if (c->sent == 0) c->sent = 1;
    if (c->sent <= c->chunks)
        return sprintf(to, "{%s,\"message\":{\"role\":\"assistant\",\"content\":\" @%018llu\"},\"done\":false}\n", frame,
                       (unsigned long long)now_ns());
    return sprintf(to, "{%s,\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\","
                       "\"total_duration\":5000000000,\"load_duration\":1000000,\"prompt_eval_count\":24,"
                       "\"prompt_eval_duration\":1000000,\"eval_count\":%ld,\"eval_duration\":4000000000}\n", frame, c->chunks);
}

// Write the next event, and queue the one after it. False if the reader is gone.
static bool next_event(Conn *c) {
    char event[2048], text[OUT];
    int len = c->dialect == OPENAI ? openai_event(c, event) : ollama_event(c, event);
    int n = chunked(text, event, len);
    bool last = c->sent++ > c->chunks;
    if (last) {
        memcpy(text + n, "0\r\n\r\n", 5);
        n += 5;
        c->streaming = false;
    }
    if (!put(c, text, n)) return false;
    if (!last && !c->out_len) {
        uint64_t now = now_ns();
        c->due_ns += c->interval_ns;
        // A reader that stood still is not flooded afterwards.
        if (c->due_ns + c->interval_ns < now) c->due_ns = now;
        enqueue(c);
    }
    return true;
}

static bool begin_stream(Conn *c, Dialect dialect, const char *body) {
    const char *chunks = strstr(body, "chunks="), *interval = strstr(body, "interval_us=");
    c->dialect = dialect;
    c->sent = 0;
    c->chunks = chunks ? atol(chunks + 7) : 20;
    c->interval_ns = interval ? (uint64_t)atol(interval + 12) * 1000u : 0;
    c->usage = strstr(body, "include_usage") != NULL;
    c->due_ns = now_ns();
    c->streaming = true;
    char text[256];
    int n = sprintf(text, "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n",
                    dialect == OPENAI ? "text/event-stream" : "application/x-ndjson");
    return put(c, text, n) && next_event(c);
}

static bool flagged(const char *body, const char *name, const char *value) {
    const char *at = strstr(body, name);
    if (!at) return false;
    at += strlen(name);
    while (*at == ' ' || *at == ':') at++;
    return !strncmp(at, value, strlen(value));
}

static bool respond(Conn *c, const char *target, const char *body) {
    if (strstr(target, "/chat/completions"))
        return flagged(body, "\"stream\"", "true") ? begin_stream(c, OPENAI, body) : answer(c, WHOLE);
    if (strstr(target, "/api/chat")) return begin_stream(c, OLLAMA, body);
    for (size_t i = 0; i < sizeof CANNED / sizeof *CANNED; i++)
        if (!strncmp(target, CANNED[i].path, strlen(CANNED[i].path))) return answer(c, CANNED[i].body);
    return answer(c, "{}");
}

// ---- requests ----

// Bytes of one whole request at the front of `in`, 0 if it is not there yet. `*body` is where its body begins.
static int whole_request(Conn *c, char **body) {
    char *end = memmem(c->in, (size_t)c->in_len, "\r\n\r\n", 4);
    if (!end) return 0;
    *body = end + 4;
    char kept = end[2];
    end[2] = 0;  // the head as a string
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    bool is_chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked") != NULL;
    long size = length ? atol(length + 17) : 0;
    end[2] = kept;
    long have = c->in + c->in_len - *body;
    if (is_chunked) {
        char *last = memmem(*body, (size_t)have, "0\r\n\r\n", 5);
        return last ? (int)(last + 5 - c->in) : 0;
    }
    return have >= size ? (int)(*body - c->in + size) : 0;
}

static bool readable(Conn *c) {
    ssize_t n = recv(c->fd, c->in + c->in_len, (size_t)(IN - 1 - c->in_len), 0);
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0 || c->in_len + n >= IN - 1) return false;
    c->in_len += (int)n;
    c->in[c->in_len] = 0;
    char *body;
    for (int size; !c->streaming && (size = whole_request(c, &body)) > 0;) {
        char saved = c->in[size];
        c->in[size] = 0;
        char *target = strchr(c->in, ' ');
        bool alive = target && respond(c, target + 1, body);
        c->in[size] = saved;
        if (!alive) return false;
        c->in_len -= size;
        memmove(c->in, c->in + size, (size_t)c->in_len + 1);
    }
    return true;
}

static bool writable(Conn *c) {
    ssize_t n = send(c->fd, c->out + c->out_off, (size_t)c->out_len, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    c->out_off += (int)n;
    c->out_len -= (int)n;
    if (c->out_len) return true;
    watch(c, EPOLLIN);
    if (c->streaming) {
        c->due_ns = now_ns() + c->interval_ns;
        enqueue(c);
    }
    return true;
}

// ---- the loop ----

static void welcome(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Conn *c = calloc(1, sizeof *c);
        c->fd = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static void listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) {
        perror("listen");
        exit(1);
    }
    // A listener is told from a connection by the lowest bit, which no pointer has.
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 | 1};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static void run_due(void) {
    uint64_t now = now_ns();
    for (int turns = queue_len; turns > 0 && head && head->due_ns <= now; turns--) {
        Conn *c = dequeue();
        if (!next_event(c)) drop(c);
    }
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(0);
    for (int i = 1; i < argc; i++) listen_on(atoi(argv[i]));
    puts("ready");
    fflush(stdout);
    struct epoll_event events[EVENTS];
    for (;;) {
        run_due();
        uint64_t now = now_ns(), wait = head ? (head->due_ns > now ? head->due_ns - now : 0) : 1000000000u;
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
        int n = epoll_pwait2(epoll_fd, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 & 1) {
                welcome((int)(events[i].data.u64 >> 1));
                continue;
            }
            Conn *c = events[i].data.ptr;
            bool alive = !(events[i].events & (EPOLLERR | EPOLLHUP));
            if (alive && events[i].events & EPOLLOUT) alive = writable(c);
            if (alive && events[i].events & EPOLLIN) alive = readable(c);
            if (!alive) drop(c);
        }
    }
}
