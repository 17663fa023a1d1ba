/* A client and a server in one process, and an hour of waiting at the end. reqrep ENDPOINT COUNT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static const char *endpoint;
static int count;
static void *context;

static void set(void *socket, int option, int value) { zmq_setsockopt(socket, option, &value, sizeof value); }

static void *client(void *unused) {
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int answers = 0;
    (void)unused;
    set(socket, ZMQ_LINGER, 0);
    set(socket, ZMQ_RCVTIMEO, 500);
    set(socket, ZMQ_SNDTIMEO, 500);
    zmq_connect(socket, endpoint);
    for (int number = 0; number < count; number++) {
        char buffer[64];
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
        zmq_send(socket, &number, sizeof number, 0);
        while (zmq_recv(socket, buffer, sizeof buffer, 0) >= 0) {
            int more;
            size_t size = sizeof more;
            zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
            if (!more) {
                answers++;
                break;
            }
        }
    }
    printf("%d answers\n", answers);
    zmq_close(socket);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    struct timespec before, after;
    void *socket;
    int idle = 0;
    if (argc != 3) return 2;
    endpoint = argv[1];
    count = atoi(argv[2]);
    context = zmq_ctx_new();
    socket = zmq_socket(context, ZMQ_REP);
    set(socket, ZMQ_LINGER, 0);
    set(socket, ZMQ_RCVTIMEO, 2000);
    if (strncmp(endpoint, "inproc", 6) == 0 && zmq_bind(socket, endpoint) != 0) return 3;
    pthread_create(&thread, NULL, client, NULL);
    if (strncmp(endpoint, "inproc", 6) != 0 && zmq_bind(socket, endpoint) != 0) return 4;
    while (idle < 20) {
        char buffer[64];
        int got = zmq_recv(socket, buffer, sizeof buffer, 0);
        if (got >= 0) zmq_send(socket, buffer, (size_t)got, 0);
        else idle++;
    }
    pthread_join(thread, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    set(socket, ZMQ_RCVTIMEO, 3600000);
    while (zmq_recv(socket, NULL, 0, 0) < 0 && errno == EINTR) continue;
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (after.tv_sec - before.tv_sec >= 3599) puts("waited an hour");
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
