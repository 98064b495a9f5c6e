#include "sockdiag.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool proc_only;

void sockdiag_force_proc(bool on)
{
    proc_only = on;
}

const char *tcp_state_name(int state)
{
    static const char *const names[] = {
        "no state",   "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
        "FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
        "CLOSE_WAIT", "LAST_ACK",    "LISTEN",    "CLOSING"};
    size_t count = sizeof names / sizeof *names;
    return state >= 0 && (size_t)state < count ? names[state] : names[0];
}

const char *address_text(const struct sockaddr_storage *address, char *out,
                         size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%d", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%d", host, ntohs(in->sin_port));
    }
    return out;
}

int address_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return ntohs(
            ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

/* A connection to an IPv6 socket may carry an IPv4 address inside. */
static bool mapped(const struct sockaddr_storage *a, struct in_addr *out)
{
    if (a->ss_family == AF_INET) {
        *out = ((const struct sockaddr_in *)(const void *)a)->sin_addr;
        return true;
    }
    const struct sockaddr_in6 *in6 = (const void *)a;
    if (a->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return false;
    memcpy(out, &in6->sin6_addr.s6_addr[12], sizeof *out);
    return true;
}

bool address_same(const struct sockaddr_storage *a,
                  const struct sockaddr_storage *b)
{
    struct in_addr a4, b4;
    if (address_port(a) != address_port(b))
        return false;
    bool a_is_4 = mapped(a, &a4), b_is_4 = mapped(b, &b4);
    if (a_is_4 || b_is_4)
        return a_is_4 && b_is_4 && a4.s_addr == b4.s_addr;
    return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

/* ------------------------------- netlink ------------------------------- */

static int netlink_fd = -1;

static int netlink_socket(void)
{
    if (netlink_fd < 0)
        netlink_fd =
            socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    return netlink_fd;
}

/* After a failure the rest of its answer may still come: nobody must take it
 * for the answer to the next question. */
static void netlink_drop(void)
{
    if (netlink_fd >= 0)
        close(netlink_fd);
    netlink_fd = -1;
}

static void set_address(struct sockaddr_storage *out, int family,
                        const void *address, __be16 port)
{
    *out = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        struct sockaddr_in *in = (void *)out;
        memcpy(&in->sin_addr, address, sizeof in->sin_addr);
        in->sin_port = port;
    } else {
        struct sockaddr_in6 *in6 = (void *)out;
        memcpy(&in6->sin6_addr, address, sizeof in6->sin6_addr);
        in6->sin6_port = port;
    }
}

static void facts_of(const struct nlmsghdr *h, struct socket_facts *out)
{
    const struct inet_diag_msg *m = NLMSG_DATA(h);
    *out = (struct socket_facts){.state = m->idiag_state,
                                 .receive_queue = m->idiag_rqueue,
                                 .send_queue = m->idiag_wqueue,
                                 .inode = m->idiag_inode};
    set_address(&out->local, m->idiag_family, m->id.idiag_src,
                m->id.idiag_sport);
    set_address(&out->remote, m->idiag_family, m->id.idiag_dst,
                m->id.idiag_dport);

    long left = (long)h->nlmsg_len - (long)NLMSG_LENGTH(sizeof *m);
    const char *p = (const char *)(m + 1);
    while (left >= (long)sizeof(struct rtattr)) {
        struct rtattr attribute;
        memcpy(&attribute, p, sizeof attribute);
        if (attribute.rta_len < sizeof attribute)
            break;
        size_t end =
            offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(__u64);
        if (attribute.rta_type == INET_DIAG_INFO &&
            attribute.rta_len >= RTA_LENGTH(end)) {
            __u64 received;
            memcpy(&received,
                   p + RTA_LENGTH(0) +
                       offsetof(struct tcp_info, tcpi_bytes_received),
                   sizeof received);
            out->bytes_received = received;
            out->counted = true;
        }
        p += RTA_ALIGN(attribute.rta_len);
        left -= (long)RTA_ALIGN(attribute.rta_len);
    }
}

struct diag_request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

static struct diag_request request_for(int family, __u32 states,
                                       unsigned short flags)
{
    struct diag_request q = {
        .header = {.nlmsg_len = sizeof q,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = (__u16)(NLM_F_REQUEST | flags)},
        .request = {.sdiag_family = (__u8)family,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                    .idiag_states = states}};
    return q;
}

/* 1 found, 0 there is none, -1 netlink cannot tell. */
static int netlink_find(const struct sockaddr_storage *local,
                        const struct sockaddr_storage *remote,
                        struct socket_facts *out)
{
    int fd = netlink_socket();
    struct in_addr local4, remote4;
    struct diag_request q = request_for(local->ss_family, ~0U, 0);
    struct inet_diag_sockid *id = &q.request.id;
    union {
        struct nlmsghdr header;
        char bytes[8192];
    } answer;

    if (fd < 0)
        return -1;
    if (mapped(local, &local4) && mapped(remote, &remote4)) {
        q.request.sdiag_family = AF_INET;
        memcpy(id->idiag_src, &local4, sizeof local4);
        memcpy(id->idiag_dst, &remote4, sizeof remote4);
    } else {
        memcpy(id->idiag_src,
               &((const struct sockaddr_in6 *)(const void *)local)->sin6_addr,
               sizeof(struct in6_addr));
        memcpy(id->idiag_dst,
               &((const struct sockaddr_in6 *)(const void *)remote)->sin6_addr,
               sizeof(struct in6_addr));
    }
    id->idiag_sport = htons((uint16_t)address_port(local));
    id->idiag_dport = htons((uint16_t)address_port(remote));
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    ssize_t n = send(fd, &q, sizeof q, 0);
    if (n > 0)
        n = recv(fd, &answer, sizeof answer, 0);
    if (n < (ssize_t)sizeof answer.header) {
        netlink_drop();
        return -1;
    }
    if (answer.header.nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *e = NLMSG_DATA(&answer.header);
        return e->error == -2 /* ENOENT */ ? 0 : -1;
    }
    facts_of(&answer.header, out);
    /* Where the connection is gone the kernel answers with its listener. */
    return out->state != TCP_STATE_LISTEN;
}

struct facts_list {
    struct socket_facts *list;
    int count, capacity;
};

static void add_facts(struct facts_list *l, const struct nlmsghdr *h)
{
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64;
        l->list = memory_grow(l->list, (size_t)l->capacity * sizeof *l->list);
    }
    facts_of(h, &l->list[l->count++]);
}

/* Asks for all sockets of one family and state. False: netlink cannot tell. */
static bool netlink_dump(int family, int state, struct facts_list *out)
{
    int fd = netlink_socket();
    struct diag_request q = request_for(family, 1U << state, NLM_F_DUMP);
    char *buffer = memory_get(65536);
    bool good = fd >= 0 && send(fd, &q, sizeof q, 0) == (ssize_t)sizeof q;
    bool done = false;

    while (good && !done) {
        ssize_t n = recv(fd, buffer, 65536, 0);
        good = n > 0;
        unsigned left = good ? (unsigned)n : 0;
        for (struct nlmsghdr *h = (void *)buffer;
             good && !done && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            done = h->nlmsg_type == NLMSG_DONE;
            good = h->nlmsg_type != NLMSG_ERROR;
            if (good && !done)
                add_facts(out, h);
        }
    }
    free(buffer);
    if (!good)
        netlink_drop();
    return good;
}

/* Nobody is visited before the answer is whole: who has seen half of it must
 * not see that half again, from /proc. */
static bool netlink_each(int state, sockdiag_visit *visit, void *context)
{
    struct facts_list all = {0};
    bool good = netlink_dump(AF_INET, state, &all) &&
                netlink_dump(AF_INET6, state, &all),
         go_on = good;

    for (int i = 0; i < all.count && go_on; i++)
        go_on = visit(&all.list[i], context);
    free(all.list);
    return good;
}

/* --------------------------------- /proc ------------------------------- */

/* An address as /proc/net/tcp writes it: words in the machine's byte order. */
static bool proc_address(const char *text, struct sockaddr_storage *out)
{
    uint32_t words[4] = {0};
    unsigned port;
    size_t digits = strcspn(text, ":");
    size_t count = digits / 8;

    if (digits != 8 && digits != 32)
        return false;
    for (size_t i = 0; i < count; i++)
        if (sscanf(text + 8 * i, "%8x", &words[i]) != 1)
            return false;
    if (sscanf(text + digits, ":%4x", &port) != 1)
        return false;
    set_address(out, count == 1 ? AF_INET : AF_INET6, words,
                htons((uint16_t)port));
    return true;
}

static bool proc_file(const char *path, int state, sockdiag_visit *visit,
                      void *context)
{
    char line[512];
    bool go_on = true;
    FILE *file = fopen(path, "re");
    if (!file)
        return true;
    if (!fgets(line, sizeof line, file))
        go_on = false;
    while (go_on && fgets(line, sizeof line, file)) {
        char local[80], remote[80];
        unsigned row_state, send_queue, receive_queue;
        unsigned long inode;
        if (sscanf(line, " %*d: %79s %79s %x %x:%x %*x:%*x %*x %*u %*d %lu",
                   local, remote, &row_state, &send_queue, &receive_queue,
                   &inode) != 6)
            continue;
        if (state && (int)row_state != state)
            continue;
        struct socket_facts facts = {.state = (int)row_state,
                                     .send_queue = send_queue,
                                     .receive_queue = receive_queue,
                                     .inode = inode};
        if (proc_address(local, &facts.local) &&
            proc_address(remote, &facts.remote))
            go_on = visit(&facts, context);
    }
    fclose(file);
    return go_on;
}

static void proc_each(int state, sockdiag_visit *visit, void *context)
{
    if (proc_file("/proc/net/tcp", state, visit, context))
        proc_file("/proc/net/tcp6", state, visit, context);
}

struct search {
    struct sockaddr_storage local, remote;
    struct socket_facts *out;
    bool found;
};

static bool is_searched(const struct socket_facts *facts, void *context)
{
    struct search *s = context;
    if (!address_same(&facts->local, &s->local) ||
        !address_same(&facts->remote, &s->remote))
        return true;
    *s->out = *facts;
    s->found = true;
    return false;
}

/* --------------------------------- both -------------------------------- */

static struct sockaddr_storage storage_of(const struct sockaddr *address)
{
    struct sockaddr_storage out = {0};
    memcpy(&out, address,
           address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in));
    return out;
}

bool sockdiag_find(const struct sockaddr *local, const struct sockaddr *remote,
                   struct socket_facts *out)
{
    struct search s = {
        .local = storage_of(local), .remote = storage_of(remote), .out = out};
    if (!proc_only) {
        int found = netlink_find(&s.local, &s.remote, out);
        if (found >= 0)
            return found == 1;
    }
    proc_each(0, is_searched, &s);
    return s.found;
}

void sockdiag_each(int state, sockdiag_visit *visit, void *context)
{
    if (proc_only || !netlink_each(state, visit, context))
        proc_each(state, visit, context);
}
