/*
 * wire: the few DNS packets that the programs of bench/ send and understand: a question for the A
 * record of one of the bench zone's names, and its answer.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX 512

/* What all questions have in common, made once: vm-0000000.ZONE A, without EDNS. */
struct wire {
	uint8_t query[WIRE_MAX];
	size_t len;
};

/* False when the zone's name does not fit. */
bool wire_init(struct wire *wire, const char *zone);

/* Writes the question for vm-NNNNNNN into out, which holds wire->len octets. */
void wire_ask(const struct wire *wire, uint8_t *out, uint16_t id, unsigned name);

/* The id of a packet of at least two octets. */
uint16_t wire_id(const uint8_t *packet);

/* True, and the address in *address, when the packet answers the question for this name with an A
 * record. */
bool wire_answer(const struct wire *wire, const uint8_t *packet, size_t len, unsigned name,
	uint32_t *address);

/* A UDP socket connected to 127.0.0.1, not blocking; -1 with errno. */
int wire_socket(int port);

#endif
