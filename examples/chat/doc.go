// Chat is a conversation with a language model behind any URL that speaks OpenAI's protocol. It streams
// the answer, remembers the thread, and goes on after a crash.
//
//	export OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_MODEL=llama3.2
//	go run ./examples/chat run chat "What is a fence?" --json
//	go run ./examples/chat run chat "Say it shorter." --thread THREAD
//
// THREAD is in what --json prints. OPENAI_BASE_URL and OPENAI_MODEL are needed, OPENAI_API_KEY only where the server wants one.
//
// # Rules
//
//   - One question to the model is one step. What has streamed before a crash or a broken
//     connection belongs to that try, and the next try starts from nothing; a finished answer is never asked for
//     again.
//   - No database session is open while the model is waited for.
//   - Every wait is bounded: for the first byte, for the next one, and for the whole answer.
//
// # Failure
//
// 408, 429, 5xx, silence and a stream that breaks off are tried again, with Retry-After heeded.
// Anything else that the server refuses fails the run at once, with the server's own words.
package main
