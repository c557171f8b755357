package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
)

// Said is one side's part of the conversation.
type Said struct {
	Text string `json:"text"`
}

const (
	// memory is how many messages of the thread the model is shown.
	memory = 50
	// answerBound is how long a whole answer may take.
	answerBound = 10 * time.Minute
	// stall is the silence after which the operator hears of it.
	stall = 20 * time.Second
)

// chat is the agent: the conversation so far, one question to the model, the answer.
func (m *model) chat() *agent.Agent[Said, Said] {
	return agent.New("chat", func(ctx agent.Context, _ Said) (Said, error) {
		conversation := remember(ctx)
		return agent.Step(ctx, "answer", func(ctx context.Context) (Said, error) {
			text, err := m.answer(ctx, conversation)
			return Said{text}, err
		}, agent.Tries(m.tries), agent.Backoff(m.backoff), agent.Timeout(answerBound), agent.StallAfter(stall))
	})
}

// remember is the thread as the model wants it: the latest messages, the new one last.
func remember(ctx agent.Context) []message {
	var conversation []message
	for said := range agent.Messages(ctx) {
		var s Said
		if json.Unmarshal(said.Content, &s) != nil || s.Text == "" {
			continue // another agent's, on the same thread
		}
		conversation = append(conversation, message{Role: roleOf(said.Role), Content: s.Text})
	}
	return conversation[max(0, len(conversation)-memory):]
}

func roleOf(r reeve.Role) string {
	if r == reeve.RoleAgent {
		return "assistant"
	}
	return "user"
}
