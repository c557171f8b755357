package libraries

import (
	"context"

	"gorm.io/gorm"
)

type repository struct {
	db *gorm.DB
	tx *gorm.DB
}

func (r *repository) neverEnded() error {
	tx := r.db.Begin() // want neverended error
	if tx.Error != nil {
		return tx.Error
	}
	if err := tx.Create(&row{}).Error; err != nil {
		return err
	}
	return tx.Commit().Error
}

func (r *repository) stored() error {
	tx := r.db.Begin()
	defer tx.Rollback()
	r.tx = tx // want sessionstored error
	return tx.Commit().Error
}

func (r *repository) spawned() error {
	return r.db.Transaction(func(tx *gorm.DB) error {
		go func() { tx.Create(&row{}) }() // want sessionspawned error
		return nil
	})
}

func (r *repository) outer() error {
	return r.db.Transaction(func(tx *gorm.DB) error {
		return r.db.Model(&row{}).Where("n = 1").Update("n", 2).Error // want outerhandle error
	})
}

func (r *repository) usedAfterEnd() error {
	tx := r.db.Begin()
	tx.Create(&row{})
	tx.Commit()
	return tx.Create(&row{}).Error // want usedafterend error
}

// right ends its transaction on every way.
func (r *repository) right() error {
	tx := r.db.Begin()
	if tx.Error != nil {
		return tx.Error
	}
	defer func() {
		if p := recover(); p != nil {
			tx.Rollback()
		}
	}()
	if err := tx.Create(&row{}).Error; err != nil {
		tx.Rollback()
		return err
	}
	var n int64
	if err := tx.Model(&row{}).Where("n = 1").Count(&n).Error; err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit().Error
}

// inside is right: a transaction inside a transaction is a savepoint of it.
func (r *repository) inside(ctx context.Context) error {
	return r.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&row{}).Error; err != nil {
			return err
		}
		return tx.Transaction(func(point *gorm.DB) error { return point.Save(&row{}).Error })
	})
}
