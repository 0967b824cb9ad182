/* Sockets where there is no network: nothing but Unix sockets, whose abstract names nobody outside sees. The argument is an
 * abstract name on which the host listens, and a port.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int reached;

static void family(const char *name, int domain, int type) {
    int fd = socket(domain, type, 0);
    if (fd >= 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        reached++;
        printf("%s socket: fd\n", name);
        connect(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
    } else {
        printf("%s: %s\n", name, strerrorname_np(errno));
    }
}

static socklen_t abstract(struct sockaddr_un *address, const char *name) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path + 1, name);
    return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}

int main(int argc, char **argv) {
    struct sockaddr_un address, got;
    socklen_t length, size = sizeof got;
    int pair[2];
    family("inet stream", AF_INET, SOCK_STREAM);
    family("inet datagram", AF_INET, SOCK_DGRAM);
    family("inet6", AF_INET6, SOCK_STREAM);
    family("netlink", AF_NETLINK, SOCK_RAW);
    family("packet", AF_PACKET, SOCK_RAW);
    family("vsock", AF_VSOCK, SOCK_STREAM);
    printf("/proc/net: %s\n", access("/proc/net/tcp", F_OK) == 0 ? "there" : strerrorname_np(errno));

    if (argc > 1) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        length = abstract(&address, argv[1]);
        int connected = connect(fd, (struct sockaddr *)&address, length) == 0;
        reached += connected;
        printf("the host's abstract name: %s\n", connected ? "reached" : strerrorname_np(errno));
        printf("taken here: %s\n", bind(fd, (struct sockaddr *)&address, length) == 0 ? "bound" : strerrorname_np(errno));
    }
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    length = abstract(&address, "a name of our own");
    printf("bind %d", bind(server, (struct sockaddr *)&address, length));
    printf(" listen %d", listen(server, 1));
    printf(" connect %d\n", connect(client, (struct sockaddr *)&address, length));
    getsockname(server, (struct sockaddr *)&got, &size);
    printf("getsockname %d bytes: %s\n", (int)size, got.sun_path + 1);
    size = sizeof got;
    memset(&got, 0, sizeof got);
    getpeername(client, (struct sockaddr *)&got, &size);
    printf("getpeername %d bytes: %s\n", (int)size, got.sun_path + 1);

    int unnamed = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    printf("autobind %d", bind(unnamed, (struct sockaddr *)&address, sizeof(sa_family_t)));
    size = sizeof got;
    getsockname(unnamed, (struct sockaddr *)&got, &size);
    printf(", %d bytes, sends %d\n", (int)size, (int)sendto(other, "x", 1, 0, (struct sockaddr *)&got, size));
    printf("socketpair: %d\n", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    return reached != 0;
}
