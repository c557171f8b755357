// Package wire holds the frames of the WebSocket protocol and the bodies of the
// HTTP interface: what a client and the server say to each other, and nothing of
// how either keeps it. Names here hold still once they ship; they are added to.
package wire
