/* A word to the service manager that started this process.
 *
 * Source: sd_notify(3), "Notes": $NOTIFY_SOCKET and the datagram; no library is needed for it. */
#pragma once

/* Sends `state` ("READY=1") to $NOTIFY_SOCKET. Says nothing where there is none, and nobody is told when it fails: a
 * manager that waits says so itself.
 *
 * Returns 1: sent; 0: nobody asked; -1: it could not be sent. */
int notify_manager(const char *state);
