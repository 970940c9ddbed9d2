package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/camera/pixel"
)

// resizeFlag is --resize, how pictures come to the base's size. It belongs to
// the recipe: the reference's loader looks at the nearest two pixels, so the
// recipe of its name does in every command, and others do as the base says.
type resizeFlag struct{ rule string } // "": the recipe's

func (f *resizeFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.rule, "resize", "", "bilinear: every pixel counts; bilinear-aliased: the nearest two, as Keras' loaders do (default bilinear; with --recipe seed, bilinear-aliased)")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("resize", cobra.FixedCompletions([]string{string(pixel.Bilinear), string(pixel.BilinearAliased)}, cobra.ShellCompDirectiveNoFileComp)))
}

// chosen is the rule that was given, or else the recipe's.
func (f *resizeFlag) chosen(recipe pixel.Resize) (pixel.Resize, error) {
	switch rule := pixel.Resize(f.rule); rule {
	case "":
		return recipe, nil
	case pixel.Bilinear, pixel.BilinearAliased:
		return rule, nil
	}
	return "", fmt.Errorf("--resize %s: want %s or %s", f.rule, pixel.Bilinear, pixel.BilinearAliased)
}
