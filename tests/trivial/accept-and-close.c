/* Accepts and closes, whatever comes. The proof of the grader: it must not
 * earn a grade in a lesson that is about more. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((in_port_t)atoi(argc > 2 ? argv[2] : "11000"));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(listener, 100) == -1)
        return 1;
    for (;;)
        close(accept(listener, NULL, NULL));
}
